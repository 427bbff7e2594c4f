// Parts travel in pieces, so that a cut connection costs one piece and not the part.

/** Four mebibytes: a statement model goes in one piece, a retry of the largest part repeats 1 % of it. */
export const PIECE_BYTES = 4 * 1024 * 1024;

/** A part of no bytes has one empty piece. */
export function pieceCount(size: number): number {
  return Math.max(1, Math.ceil(size / PIECE_BYTES));
}

/** Length of a piece; undefined where a part of that size has no such piece. */
export function pieceLength(size: number, piece: number): number | undefined {
  if (!Number.isInteger(piece) || piece < 0 || piece >= pieceCount(size)) return undefined;
  return Math.min(PIECE_BYTES, size - piece * PIECE_BYTES);
}
