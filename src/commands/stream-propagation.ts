import type { Bytes } from '../bytes/bytes.js';
import { type Consumer, type ConsumerGroup, countAt, timeAt } from '../values/consumer-group.js';
import type { IdCursor } from '../values/id-index.js';
import type { StreamId } from '../values/stream-id.js';
import type { PropagatedArgument } from './command.js';
import { idBytes } from './stream-access.js';

/**
 * What commands of consumer groups do, told to somebody who repeats it at another time: which entries were delivered
 * and when. See `Call.propagateAs`.
 */
export type Propagated = PropagatedArgument[][];

/** A pending entry is as the cursor shows it. FORCE: it may be new. */
export function propagateClaim(
  to: Propagated,
  key: Bytes,
  group: ConsumerGroup,
  consumer: Consumer,
  id: StreamId,
  pending: IdCursor,
): void {
  const state = ['TIME', timeAt(pending), 'RETRYCOUNT', countAt(pending), 'FORCE', 'JUSTID'];
  const last = ['LASTID', idBytes(group.lastId)];
  to.push(['XCLAIM', key, group.name, consumer.name, 0, idBytes(id), ...state, ...last]);
}

/** A pending entry is gone, because the stream has no such entry any more. */
export function propagateAcknowledgement(
  to: Propagated,
  key: Bytes,
  group: ConsumerGroup,
  id: StreamId,
): void {
  to.push(['XACK', key, group.name, idBytes(id)]);
}

export function propagateConsumer(
  to: Propagated,
  key: Bytes,
  group: ConsumerGroup,
  consumer: Consumer,
): void {
  to.push(['XGROUP', 'CREATECONSUMER', key, group.name, consumer.name]);
}

/** How far a group has read. */
export function propagateProgress(
  to: Propagated,
  key: Bytes,
  { name, lastId, entriesRead }: ConsumerGroup,
): void {
  to.push(['XGROUP', 'SETID', key, name, idBytes(lastId), 'ENTRIESREAD', entriesRead]);
}
