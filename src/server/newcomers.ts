import type { Socket } from 'node:net';
import type { Clock } from '../ambient/clock.js';

/** Nobody waits longer than this for those who come after, in µs. */
const longestWait = 20_000;

/**
 * Connections that have been accepted and are not read from yet. Node accepts one connection in a turn of the event loop.
 * When fifty clients connect at once and each sends a long pipeline, the first ones, if they were served already, would
 * make each turn long, and the last one would wait for fifty of them: 100 to 400 ms were measured, where redis-server,
 * which accepts all of them first, takes 20. So newcomers are read from as soon as a turn brings no other one.
 */
export class Newcomers {
  private waiting: Socket[] = [];
  /** When the first of them came, in µs. */
  private since = 0;
  private cameThisTurn = false;

  constructor(private readonly clock: Clock) {}

  /** Starts reading from a socket when it is its turn. */
  add(socket: Socket): void {
    if (this.waiting.length === 0) {
      this.since = this.clock.microseconds();
      setImmediate(this.endTurn);
    }
    this.waiting.push(socket);
    this.cameThisTurn = true;
  }

  private readonly endTurn = (): void => {
    if (this.cameThisTurn && this.clock.microseconds() - this.since < longestWait) {
      this.cameThisTurn = false;
      setImmediate(this.endTurn);
      return;
    }
    const { waiting } = this;
    this.waiting = [];
    for (const socket of waiting) socket.resume();
  };
}
