/** The only source of the time of day. Tests set it; everything that expires asks it. */
export interface Clock {
  now(): Date;
}
