import type { Bytes } from '../bytes/bytes.js';
import type { Client } from './client.js';

/** What an idle connection costs in memory, socket and handles included. Measured. */
const idleBytes = 5400;
/** About what a subscription costs beside its name: a place in two sets, and a channel's own set. */
const subscriptionBytes = 250;
/** About what watching a key costs beside its name. */
const watchBytes = 150;
/** About what a prefix costs that a client tracks, beside its text. */
const prefixBytes = 200;

/**
 * Bytes that a client takes, but for the replies that wait to be sent (`ReplyWriter.held`): its connection, what it
 * sent that did not become a command yet, what the operating system has not taken, and what it queued, watches, waits
 * for and listens to.
 */
export function memoryBesideReplies(client: Client): number {
  const { transport, transaction, blocked, subscriptions, tracking } = client;
  let bytes = idleBytes + transport.queryBufferCapacity + transport.unsentBytes;
  if (transaction !== undefined) bytes += transaction.bytes;
  if (blocked !== undefined) bytes += totalLength(blocked.args, blocked.args.length);
  if (client.watched.length > 0) bytes += client.watchedBytes + client.watched.length * watchBytes;
  if (subscriptions !== undefined) bytes += subscriptions.nameBytes + subscriptions.size * subscriptionBytes;
  if (tracking !== undefined) bytes += tracking.prefixBytes + tracking.prefixes.size * prefixBytes;
  return bytes;
}

/** Bytes of the first `argc` arguments. */
export function totalLength(args: Bytes[], argc: number): number {
  let bytes = 0;
  for (let i = 0; i < argc; i++) bytes += args[i].length;
  return bytes;
}
