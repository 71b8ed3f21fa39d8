import type { Bytes } from '../bytes/bytes.js';
import type { Database } from '../keyspace/database.js';
import { EventClass } from '../keyspace/events.js';
import type { Consumer, ConsumerGroup } from '../values/consumer-group.js';
import { type Propagated, propagateConsumer } from './stream-propagation.js';

/** The consumer that a command acts for: seen now, and created if the group does not know it yet. */
export function activeConsumer(
  database: Database,
  key: Bytes,
  group: ConsumerGroup,
  name: string,
  propagated: Propagated,
): Consumer {
  const { now } = database.keyspace;
  let consumer = group.consumer(name);
  if (consumer === undefined) {
    consumer = group.createConsumer(name, now);
    propagateConsumer(propagated, key, group, consumer);
    database.modifiedBeside(key, EventClass.stream, 'xgroup-createconsumer');
  }
  consumer.seenTime = now;
  return consumer;
}
