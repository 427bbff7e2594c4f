// Whether a region gets work, as plain data and one function from state to state, so that the rules can be tested without a clock
// and the states can be shown.
//
//   closed ──(cannot be reached, keeps failing, refuses our keys)──► open
//   closed ──(accepts work and finishes none)──────────────────────► open
//   open ──(its wait is over)──► halfOpen: one canary analysis is sent, nobody's document
//   halfOpen ──(canary finished in time, as often as asked)──► closed
//   halfOpen ──(canary failed or late)──► open, for longer
//   any ──(a person isolates it)──► isolated ──(released)──► halfOpen
//
// Slow is not a way out of `closed`: `pace` says that a canary finished late, people see it, and work still flows. Of two regions
// that are both slow, leaving one only makes the other slower.

export type OpenReason =
  /** Nobody listens, connections break, or nothing answers. */
  | 'dead'
  /** Accepts work and finishes none of it. */
  | 'grey'
  /** Too many of its answers are errors. */
  | 'erroring'
  /** It takes none of our keys. */
  | 'unauthorized';

export type BreakerState =
  | {
      readonly status: 'closed';
      readonly pace: 'normal' | 'slow';
      /** Calls without an answer since the last one with. */
      readonly silent: number;
      /** What of them was refused or broken off rather than waited for. */
      readonly broken: number;
      /** Answers to work, by the second, oldest first. */
      readonly answers: readonly Second[];
      readonly openings: number;
      readonly closedAt: number;
    }
  | {
      readonly status: 'open';
      readonly reason: OpenReason;
      readonly openedAt: number;
      readonly probeAt: number;
      readonly openings: number;
    }
  | {
      readonly status: 'halfOpen';
      readonly reason: OpenReason | 'released';
      readonly successes: number;
      readonly openings: number;
      readonly openedAt: number;
    }
  | { readonly status: 'isolated'; readonly reason: string };

interface Second {
  readonly second: number;
  readonly count: number;
  readonly errors: number;
}

export type BreakerEvent =
  /** Any answer to any call. */
  | { readonly kind: 'alive' }
  /** Answers to work, which count in the share of errors; probes do not, they would drown it. */
  | { readonly kind: 'worked'; readonly isError: boolean }
  | { readonly kind: 'noAnswer'; readonly isTimeout: boolean }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'canary'; readonly outcome: 'inTime' | 'late' | 'failed' }
  /** For longer than the patience nothing that was accepted has finished. */
  | { readonly kind: 'nothingFinishes' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'isolate'; readonly reason: string }
  | { readonly kind: 'release' };

export interface BreakerLimits {
  /** Calls in a row that were refused or broken off. Two: one may be a restart. */
  readonly brokenCalls: number;
  /** Calls in a row that were not answered, broken ones included. */
  readonly silentCalls: number;
  readonly windowMilliseconds: number;
  /** Fewer outcomes in the window say nothing. */
  readonly windowMinimum: number;
  readonly errorShare: number;
  readonly halfOpenSuccesses: number;
  readonly firstWaitMilliseconds: number;
  readonly longestWaitMilliseconds: number;
  /** A region that stayed closed this long begins again with the first wait. */
  readonly forgiveMilliseconds: number;
}

export const DEFAULT_BREAKER_LIMITS: BreakerLimits = {
  brokenCalls: 2,
  silentCalls: 3,
  windowMilliseconds: 30_000,
  windowMinimum: 10,
  errorShare: 0.2,
  halfOpenSuccesses: 2,
  firstWaitMilliseconds: 1000,
  longestWaitMilliseconds: 30_000,
  forgiveMilliseconds: 300_000,
};

export function closedBreaker(now: number): BreakerState {
  return { status: 'closed', pace: 'normal', silent: 0, broken: 0, answers: [], openings: 0, closedAt: now };
}

export interface BreakerContext {
  /** Milliseconds of a clock that only moves forward. */
  readonly now: number;
  readonly limits: BreakerLimits;
  /** 0 to 1: spreads the probes of several gateways. */
  random(): number;
}

export function nextBreakerState(state: BreakerState, event: BreakerEvent, context: BreakerContext): BreakerState {
  if (event.kind === 'isolate') return { status: 'isolated', reason: event.reason };
  switch (state.status) {
    case 'closed':
      return fromClosed(state, event, context);
    case 'open':
      if (event.kind !== 'tick' || context.now < state.probeAt) return state;
      return {
        status: 'halfOpen',
        reason: state.reason,
        successes: 0,
        openings: state.openings,
        openedAt: state.openedAt,
      };
    case 'halfOpen':
      return fromHalfOpen(state, event, context);
    case 'isolated':
      if (event.kind !== 'release') return state;
      return { status: 'halfOpen', reason: 'released', successes: 0, openings: 0, openedAt: context.now };
    default:
      throw new TypeError(`no such state: ${JSON.stringify(state satisfies never)}`);
  }
}

/** Whether clients' work may be sent. */
export function takesWork(state: BreakerState): boolean {
  return state.status === 'closed';
}

type Closed = Extract<BreakerState, { status: 'closed' }>;
type HalfOpen = Extract<BreakerState, { status: 'halfOpen' }>;

function fromClosed(state: Closed, event: BreakerEvent, context: BreakerContext): BreakerState {
  const { limits } = context;
  switch (event.kind) {
    case 'alive':
      return state.silent === 0 ? state : { ...state, silent: 0, broken: 0 };
    case 'worked': {
      const answers = counted(state.answers, event.isError, context);
      if (event.isError && isFailing(answers, limits)) {
        return opened('erroring', openingsAfter(state, context), context);
      }
      return { ...state, silent: 0, broken: 0, answers };
    }
    case 'noAnswer': {
      const silent = state.silent + 1;
      const broken = state.broken + (event.isTimeout ? 0 : 1);
      if (broken >= limits.brokenCalls || silent >= limits.silentCalls) {
        return opened('dead', openingsAfter(state, context), context);
      }
      return { ...state, silent, broken };
    }
    case 'unauthorized':
      return opened('unauthorized', openingsAfter(state, context), context);
    case 'nothingFinishes':
      return opened('grey', openingsAfter(state, context), context);
    case 'canary': {
      const worked = fromClosed(state, { kind: 'worked', isError: event.outcome === 'failed' }, context);
      if (worked.status !== 'closed') return worked;
      return {
        ...worked,
        pace: event.outcome === 'inTime' ? 'normal' : event.outcome === 'late' ? 'slow' : state.pace,
      };
    }
    default:
      return state;
  }
}

function fromHalfOpen(state: HalfOpen, event: BreakerEvent, context: BreakerContext): BreakerState {
  const reason = state.reason === 'released' ? 'dead' : state.reason;
  switch (event.kind) {
    case 'canary':
      if (event.outcome !== 'inTime') return opened(reason, state.openings + 1, context, state.openedAt);
      if (state.successes + 1 < context.limits.halfOpenSuccesses) return { ...state, successes: state.successes + 1 };
      return { ...closedBreaker(context.now), openings: state.openings } as Closed;
    case 'nothingFinishes':
      return opened('grey', state.openings + 1, context, state.openedAt);
    case 'noAnswer':
      return opened(reason, state.openings + 1, context, state.openedAt);
    case 'unauthorized':
      return opened('unauthorized', state.openings + 1, context, state.openedAt);
    default:
      return state;
  }
}

function counted(answers: readonly Second[], isError: boolean, { now, limits }: BreakerContext): readonly Second[] {
  const second = Math.floor(now / 1000);
  const last = answers.at(-1);
  const errors = isError ? 1 : 0;
  if (last?.second === second) {
    return [...answers.slice(0, -1), { second, count: last.count + 1, errors: last.errors + errors }];
  }
  const since = second - limits.windowMilliseconds / 1000;
  return [...answers.filter((each) => each.second > since), { second, count: 1, errors }];
}

function isFailing(answers: readonly Second[], limits: BreakerLimits): boolean {
  const count = answers.reduce((sum, each) => sum + each.count, 0);
  const errors = answers.reduce((sum, each) => sum + each.errors, 0);
  return count >= limits.windowMinimum && errors / count >= limits.errorShare;
}

/** A region that flaps is not trusted sooner for having been closed a moment. */
function openingsAfter(state: Closed, { now, limits }: BreakerContext): number {
  return now - state.closedAt > limits.forgiveMilliseconds ? 1 : state.openings + 1;
}

function opened(
  reason: OpenReason,
  openings: number,
  { now, limits, random }: BreakerContext,
  openedAt = now,
): BreakerState {
  const wait = Math.min(limits.longestWaitMilliseconds, limits.firstWaitMilliseconds * 2 ** (openings - 1));
  return { status: 'open', reason, openedAt, probeAt: now + wait * (0.75 + 0.5 * random()), openings };
}
