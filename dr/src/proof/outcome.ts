/** What was compared: descriptions; bytes, by HMAC under a fresh nonce; what the models find on documents. */
export type ProofLevel = 'metadata' | 'digest' | 'canary';

export type ProofOutcome =
  | { readonly outcome: 'proven'; readonly levels: readonly ProofLevel[] }
  | { readonly outcome: 'different'; readonly level: ProofLevel; readonly difference: string }
  /** The side's own bytes are not those its manifest names. */
  | { readonly outcome: 'damaged'; readonly side: 'source' | 'target'; readonly message: string }
  | { readonly outcome: 'gone'; readonly side: 'source' | 'target' }
  /** Nothing there is to prove it with. */
  | { readonly outcome: 'impossible'; readonly reason: string };
