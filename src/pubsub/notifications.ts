import { Bytes } from '../bytes/bytes.js';
import { allEvents } from '../config/special-kinds.js';
import { EventClass } from '../keyspace/events.js';
import type { PubSub } from './pubsub.js';

/**
 * What each letter of `notify-keyspace-events` switches on. `A` does not occur: it stands for several others.
 */
const classOfLetter: Record<string, number> = {
  K: EventClass.keyspace,
  E: EventClass.keyevent,
  g: EventClass.generic,
  $: EventClass.string,
  l: EventClass.list,
  s: EventClass.set,
  h: EventClass.hash,
  z: EventClass.sortedSet,
  x: EventClass.expired,
  e: EventClass.evicted,
  t: EventClass.stream,
  m: EventClass.keyMiss,
  d: EventClass.module,
  n: EventClass.newKey,
};
const allClasses = [...allEvents].reduce((bits, letter) => bits | classOfLetter[letter], 0);

/**
 * The bits of EventClass for the letters of `notify-keyspace-events`; 0 if they name no kind of channel to
 * publish on, for then nothing is published.
 */
export function eventMaskOf(letters: string): number {
  let mask = 0;
  for (const letter of letters) mask |= letter === 'A' ? allClasses : classOfLetter[letter];
  return (mask & (EventClass.keyspace | EventClass.keyevent)) === 0 ? 0 : mask;
}

/**
 * Publishes what happens to keys: the event on `__keyspace@<db>__:<key>`, the key on
 * `__keyevent@<db>__:<event>`, whichever of the two the mask asks for.
 */
export function publishEvent(
  pubsub: PubSub,
  mask: number,
  event: string,
  key: Bytes,
  database: number,
): void {
  if (pubsub.idle) return;
  if ((mask & EventClass.keyspace) !== 0) {
    const channel = Buffer.concat([Buffer.from(`__keyspace@${database}__:`, 'latin1'), key.subarray()]);
    pubsub.publish(new Bytes(channel), Bytes.of(event));
  }
  if ((mask & EventClass.keyevent) !== 0) {
    pubsub.publish(Bytes.of(`__keyevent@${database}__:${event}`), key);
  }
}
