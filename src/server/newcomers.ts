import type { Socket } from 'node:net';
import type { Clock } from '../ambient/clock.js';
import type { SocketEvents } from './listener.js';

/** Nobody waits longer than this for those who come after, in µs. */
const longestWait = 20_000;
/** Who comes no later than this after another, in µs, may be one of a crowd. */
const crowded = 50_000;
/** A turn of the event loop that takes so long, in µs, keeps those waiting who are still to be accepted. */
const longTurn = 1_000;

/** What a socket got while everybody waited. */
interface Arrival {
  events: SocketEvents;
  bytes: Buffer;
}

/**
 * Connections that have been accepted and are not read from yet. Node accepts one connection in a turn of the event
 * loop. When fifty clients connect at once and each sends a long pipeline, the first ones, if they were served
 * already, would make each turn long, and the last one would wait for fifty of them: 100 to 400 ms were measured,
 * where redis-server, which accepts all of them first, takes 20. So newcomers are read from as soon as a turn brings
 * no other one. And when they come after long turns, because the crowd had a gap, what the others send is put aside
 * for these few turns.
 */
export class Newcomers {
  /** What arrives is to be given to `putAside`. */
  holding = false;
  private waiting: Socket[] = [];
  private arrivals: Arrival[] = [];
  /** When the first of those that wait came, in µs. */
  private since = 0;
  /** When the last one came, in µs. */
  private latest = Number.NEGATIVE_INFINITY;
  private cameThisTurn = false;

  constructor(private readonly clock: Clock) {}

  /** Starts reading from a socket when it is its turn. */
  add(socket: Socket): void {
    const now = this.clock.microseconds();
    const apart = now - this.latest;
    this.latest = now;
    if (this.waiting.length === 0) {
      this.since = now;
      setImmediate(this.endTurn);
    }
    if (apart > longTurn && apart < crowded) this.holding = true;
    this.waiting.push(socket);
    this.cameThisTurn = true;
  }

  /** Keeps a copy of bytes that arrived while `holding`, to be delivered soon and in their order. */
  putAside(events: SocketEvents, buffer: Buffer, length: number): void {
    this.arrivals.push({ events, bytes: Buffer.from(buffer.subarray(0, length)) });
  }

  private readonly endTurn = (): void => {
    if (this.cameThisTurn && this.clock.microseconds() - this.since < longestWait) {
      this.cameThisTurn = false;
      setImmediate(this.endTurn);
      return;
    }
    this.deliver();
    const { waiting } = this;
    this.waiting = [];
    for (const socket of waiting) socket.resume();
  };

  /** Delivers what was put aside: a socket has closed, or the crowd is complete. */
  readonly deliver = (): void => {
    this.holding = false;
    const { arrivals } = this;
    if (arrivals.length === 0) return;
    this.arrivals = [];
    for (const { events, bytes } of arrivals) events.onBytes(bytes, bytes.length);
  };
}
