import * as v2_0 from '@azure/ai-form-recognizer-v2.0';
import * as v2_0Preview from '@azure/ai-form-recognizer-v2.0-preview';
import * as v2_1 from '@azure/ai-form-recognizer-v2.1';
import * as v2_1Preview2 from '@azure/ai-form-recognizer-v2.1-preview.2';
import * as v2_1Preview3 from '@azure/ai-form-recognizer-v2.1-preview.3';
import type { v2 } from '@formhaven/contract';
import type { TestRegion } from '../kit/regions.ts';

// The official clients are one program at five ages. What differs between them stands here; the rest is one suite.

/** What the clients have in common, as far as the suite looks. */
export interface TrainingClient {
  getAccountProperties(): Promise<{ customModelCount: number; customModelLimit: number }>;
  beginTraining(source: string, useLabels: boolean, options: TrainingOptions): Promise<Poller<CustomModel>>;
  getCustomModel(modelId: string): Promise<CustomModel>;
  listCustomModels(): AsyncIterable<ModelInfo>;
  getCopyAuthorization(resourceId: string, resourceRegion: string): Promise<CopyAuthorization>;
  beginCopyModel(modelId: string, target: CopyAuthorization, options: PollOptions): Promise<Poller<ModelInfo>>;
  deleteModel(modelId: string): Promise<unknown>;
}

export interface Poller<Result> {
  pollUntilDone(): Promise<Result>;
}

export interface PollOptions {
  updateIntervalInMs?: number;
}

export interface TrainingOptions extends PollOptions {
  prefix?: string;
  includeSubfolders?: boolean;
}

export interface CopyAuthorization {
  modelId: string;
  accessToken: string;
  resourceId: string;
  resourceRegion: string;
  expiresOn: Date;
}

export interface ModelInfo {
  modelId: string;
  status: string;
  trainingStartedOn: Date;
  trainingCompletedOn: Date;
}

export interface CustomModel extends ModelInfo {
  submodels?: { accuracy?: number; fields: Record<string, { accuracy?: number | null }> }[];
  trainingDocuments?: { pageCount: number; status: string }[];
}

export interface RecognizedForm {
  readonly formType: string;
  readonly fields: Readonly<Record<string, RecognizedField>>;
  readonly pages: readonly RecognizedPage[];
}

export interface RecognizedField {
  readonly value?: unknown;
  readonly valueData?: { readonly text?: string };
}

export interface RecognizedPage {
  readonly pageNumber: number;
  readonly unit: string;
  readonly lines?: readonly { readonly text: string; readonly words: readonly unknown[] }[];
}

/** One recognizing client, the ways of handing it a document made alike. Forms by URL come without their text, others with it. */
export interface Recognizing {
  content(document: Document): Promise<readonly RecognizedPage[]>;
  contentFromUrl(url: string): Promise<readonly RecognizedPage[]>;
  form(modelId: string, document: Document): Promise<readonly RecognizedForm[]>;
  formFromUrl(modelId: string, url: string): Promise<readonly RecognizedForm[]>;
}

export type Document = Buffer | NodeJS.ReadableStream;

export interface OfficialVersion {
  /** Of the npm package. */
  readonly release: string;
  readonly api: v2.V2Version;
  /** The release knows selection marks; earlier ones leave such fields without a value. */
  readonly readsSelectionMarks: boolean;
  /** The release repeats why a document could not be read; 3.1.0-beta.2 looks for the reason beside where it stands. */
  readonly tellsWhyUnread: boolean;
  training(region: TestRegion, key?: string): TrainingClient;
  recognizing(region: TestRegion): Recognizing;
}

const PDF = 'application/pdf';
const poll = { updateIntervalInMs: 50 };
const withText = { ...poll, includeFieldElements: true };

export const OFFICIAL_VERSIONS: readonly OfficialVersion[] = [
  {
    release: '1.0.0-preview.4',
    api: 'v2.0-preview',
    readsSelectionMarks: false,
    tellsWhyUnread: true,
    training: (region, key = region.key1) =>
      new v2_0Preview.FormTrainingClient(region.endpoint, new v2_0Preview.AzureKeyCredential(key)),
    recognizing: (region) => {
      const client = new v2_0Preview.FormRecognizerClient(
        region.endpoint,
        new v2_0Preview.AzureKeyCredential(region.key1),
      );
      return {
        content: async (document) => done(await client.beginRecognizeContent(document, PDF, poll)),
        contentFromUrl: async (url) => done(await client.beginRecognizeContentFromUrl(url, poll)),
        form: async (id, document) => done(await client.beginRecognizeCustomForms(id, document, PDF, withText)),
        formFromUrl: async (id, url) => done(await client.beginRecognizeCustomFormsFromUrl(id, url, poll)),
      };
    },
  },
  {
    release: '3.0.0',
    api: 'v2.0',
    readsSelectionMarks: false,
    tellsWhyUnread: true,
    training: (region, key = region.key1) =>
      new v2_0.FormTrainingClient(region.endpoint, new v2_0.AzureKeyCredential(key)),
    recognizing: (region) =>
      recognizing(new v2_0.FormRecognizerClient(region.endpoint, new v2_0.AzureKeyCredential(region.key1))),
  },
  {
    release: '3.1.0-beta.2',
    api: 'v2.1-preview.2',
    readsSelectionMarks: true,
    tellsWhyUnread: false,
    training: (region, key = region.key1) =>
      new v2_1Preview2.FormTrainingClient(region.endpoint, new v2_1Preview2.AzureKeyCredential(key)),
    recognizing: (region) =>
      recognizing(
        new v2_1Preview2.FormRecognizerClient(region.endpoint, new v2_1Preview2.AzureKeyCredential(region.key1)),
      ),
  },
  {
    release: '3.1.0-beta.3',
    api: 'v2.1-preview.3',
    readsSelectionMarks: true,
    tellsWhyUnread: true,
    training: (region, key = region.key1) =>
      new v2_1Preview3.FormTrainingClient(region.endpoint, new v2_1Preview3.AzureKeyCredential(key)),
    recognizing: (region) =>
      recognizing(
        new v2_1Preview3.FormRecognizerClient(region.endpoint, new v2_1Preview3.AzureKeyCredential(region.key1)),
      ),
  },
  {
    release: '3.2.0',
    api: 'v2.1',
    readsSelectionMarks: true,
    tellsWhyUnread: true,
    training: (region, key = region.key1) =>
      new v2_1.FormTrainingClient(region.endpoint, new v2_1.AzureKeyCredential(key)),
    recognizing: (region) =>
      recognizing(new v2_1.FormRecognizerClient(region.endpoint, new v2_1.AzureKeyCredential(region.key1))),
  },
];

type RecognizerClient =
  | v2_0.FormRecognizerClient
  | v2_1Preview2.FormRecognizerClient
  | v2_1Preview3.FormRecognizerClient
  | v2_1.FormRecognizerClient;

/** From 3.0.0 on the content type is an option. */
function recognizing(client: RecognizerClient): Recognizing {
  const asPdf = { ...poll, contentType: PDF } as const;
  const withElements = { ...withText, contentType: PDF } as const;
  return {
    content: async (document) => done<readonly RecognizedPage[]>(await client.beginRecognizeContent(document, asPdf)),
    contentFromUrl: async (url) =>
      done<readonly RecognizedPage[]>(await client.beginRecognizeContentFromUrl(url, poll)),
    form: async (id, document) =>
      done<readonly RecognizedForm[]>(await client.beginRecognizeCustomForms(id, document, withElements)),
    formFromUrl: async (id, url) =>
      done<readonly RecognizedForm[]>(await client.beginRecognizeCustomFormsFromUrl(id, url, poll)),
  };
}

async function done<Result>(poller: { pollUntilDone(): Promise<Result | undefined> }): Promise<Result> {
  const result = await poller.pollUntilDone();
  if (result === undefined) throw new Error('the client polled to the end and has no result');
  return result;
}
