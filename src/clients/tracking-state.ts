/**
 * Which keys a client is told about: those that it read, all but or only those that CLIENT CACHING named, or all by
 * their beginning.
 */
export type TrackingMode = 'default' | 'optin' | 'optout' | 'broadcast';

/** How a client that keeps copies of values wants to hear that they changed (CLIENT TRACKING). */
export interface TrackingState {
  mode: TrackingMode;
  /** It is not told of what it changes itself. */
  noLoop: boolean;
  /** The client that is told in its place, by id; 0 for itself. */
  redirect: number;
  /** That one was gone when it was to be told something. */
  redirectBroken: boolean;
  /** CLIENT CACHING was called for the command that follows. */
  cachingGiven: boolean;
  /** Latin1. What the names of keys begin with, in mode `broadcast`. */
  readonly prefixes: Set<string>;
  /** Bytes of all of them. */
  readonly prefixBytes: number;
}
