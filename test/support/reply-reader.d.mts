/**
 * A reply with its type on it, so that a test can tell `:1` from `$1\r\n1` and a RESP2 null from a RESP3 one.
 * Strings are latin1: one character a byte.
 */
export type Reply =
  | { type: 'simple' | 'error' | 'bulk' | 'verbatim' | 'double'; value: string }
  | { type: 'integer' | 'bignumber'; value: number | bigint }
  | { type: 'boolean'; value: boolean }
  | { type: 'null' | 'null-bulk' | 'null-array'; value: null }
  | { type: 'array' | 'set' | 'push'; value: Reply[] }
  | { type: 'map' | 'attribute'; value: [Reply, Reply][] };

/** Thrown when bytes cannot be a reply of any protocol version. */
export class ReplyError extends Error {}

/** Where the reply that begins at `start` ends, or -1 when bytes are missing. */
export function replyEnd(buffer: Buffer, start: number): number;

/** The reply that begins at `start`; all of its bytes must be there. */
export function parseReply(buffer: Buffer, start?: number): Reply;

/** Collects chunks from a socket and gives the replies in them, each as its bytes. */
export class ReplyReader {
  /** Adds bytes and takes every complete reply out. Throws ReplyError. */
  push(chunk: Buffer): Buffer[];
  /** Bytes of a reply that is not complete yet. */
  readonly pending: number;
}

/** The reply as plain values: errors as `Error`, nulls as `null`, maps as `Map`, doubles as numbers. */
export function plain(reply: Reply): unknown;
