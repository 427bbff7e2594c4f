import { stat } from 'node:fs/promises';

/**
 * A value read from files that other processes replace while we run. It is read at the start, and again whenever a file's time,
 * size or inode has changed; what cannot be read leaves the last good value in place. Files are asked rather than watched: a file
 * replaced by rename, on a mounted volume or behind a symbolic link is then no special case.
 */
export class LiveValue<Value> implements Disposable {
  readonly #options: LiveValueOptions<Value>;
  readonly #timer: NodeJS.Timeout;
  #current: Value;
  #seen: string;
  #reading: Promise<void> | undefined;

  private constructor(options: LiveValueOptions<Value>, first: Value, seen: string) {
    this.#options = options;
    this.#current = first;
    this.#seen = seen;
    this.#timer = setInterval(() => void this.refresh(), options.everyMilliseconds).unref();
  }

  /** @throws what `read` throws */
  static async open<Value>(options: LiveValueOptions<Value>): Promise<LiveValue<Value>> {
    const seen = await fingerprint(await options.files());
    return new LiveValue(options, await options.read(), seen);
  }

  get current(): Value {
    return this.#current;
  }

  /** Looks now. Never rejects. */
  refresh(force = false): Promise<void> {
    this.#reading ??= this.#read(force).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(force: boolean): Promise<void> {
    try {
      const seen = await fingerprint(await this.#options.files());
      if (seen === this.#seen && !force) return;
      const value = await this.#options.read();
      this.#seen = seen;
      this.#current = value;
      this.#options.changed?.(value);
    } catch (error) {
      this.#options.failed(error);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

export interface LiveValueOptions<Value> {
  files(): Promise<readonly string[]>;
  read(): Promise<Value>;
  readonly everyMilliseconds: number;
  changed?(value: Value): void;
  failed(error: unknown): void;
}

async function fingerprint(files: readonly string[]): Promise<string> {
  const facts = await Promise.all(
    files.map(async (file) => {
      try {
        const { mtimeMs, size, ino } = await stat(file);
        return `${mtimeMs}:${size}:${ino}`;
      } catch {
        return 'none';
      }
    }),
  );
  return facts.join('|');
}
