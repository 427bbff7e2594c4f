/** Bearer tokens that open the resource beside its keys, as Microsoft Entra makes them. */
export interface TokenSettings {
  readonly issuer: string;
  readonly audience: string;
  /** Where the issuer's public keys are: a JSON Web Key Set. */
  readonly keys: { readonly from: 'file'; readonly file: string } | { readonly from: 'url'; readonly url: URL };
  /** Must be among the token's `roles`; undefined: any token of the issuer for the audience opens. */
  readonly role: string | undefined;
}

/** Bearer tokens that open the resource beside its keys. */
export interface Tokens {
  /**
   * Whether the token is one of the configured issuer, for the configured audience and role, signed and in its time.
   * Rejects where that cannot be told now, since the issuer's keys cannot be had.
   */
  isAccepted(token: string): Promise<boolean>;
}
