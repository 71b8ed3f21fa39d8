import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/ambient/clock.js';
import { RequestCoalescing } from '../../src/server/request-coalescing.js';
import { startWithClient } from '../support/respite.js';

/** µs that the server takes for a turn, and for each request in it. */
const turnCost = 4;
const requestCost = 12;

/** What the clients do: told when each of them got its reply, says when its next request arrives, in µs. */
type Clients = (client: number, repliedAt: number) => number;

/** One program with many connections, which hands over one request after the other, each taking it so many µs. */
function oneProgram(perRequest: number): Clients {
  let freeAt = 0;
  return (_client, repliedAt) => {
    freeAt = Math.max(freeAt, repliedAt) + perRequest;
    return freeAt;
  };
}

/** Programs of their own, each of which needs so many µs between a reply and its next request. */
function independent(thinking: number): Clients {
  // Not all the same, or they would march in step.
  return (client, repliedAt) => repliedAt + thinking * (0.8 + 0.4 * ((client * 7) % 10) * 0.1);
}

interface Load {
  clients: Clients;
  count: number;
  pauseMicroseconds?: number;
}

/** An event loop in virtual time, with clients that wait for their replies. */
class Simulation {
  now = 0;
  answers = 0;
  readonly coalescing: RequestCoalescing;
  private idle = 0;
  private arrivals: { client: number; at: number }[] = [];
  private load: Load = { clients: independent(0), count: 0 };

  constructor() {
    this.coalescing = new RequestCoalescing({
      clock: { microseconds: () => this.now } as Clock,
      clientCount: () => this.load.count,
      idleTime: () => this.idle / 1000,
      pause: () => {
        this.now += this.load.pauseMicroseconds ?? 90;
      },
    });
  }

  /** Runs so many ms. Returns answers per ms, answers per turn, and the share of the time that was spent in pauses. */
  run(load: Load, milliseconds: number): { rate: number; perTurn: number; paused: number } {
    this.load = load;
    this.arrivals = Array.from({ length: load.count }, (_, client) => ({
      client,
      at: load.clients(client, this.now),
    }));
    const began = this.now;
    const answersBefore = this.answers;
    const pausedBefore = this.coalescing.pausedMicroseconds;
    let turns = 0;
    for (; this.now < began + milliseconds * 1000; turns++) this.turn();
    const elapsed = this.now - began;
    const answers = this.answers - answersBefore;
    return {
      rate: (answers / elapsed) * 1000,
      perTurn: answers / turns,
      paused: (this.coalescing.pausedMicroseconds - pausedBefore) / elapsed,
    };
  }

  private turn(): void {
    const next = Math.min(...this.arrivals.map(({ at }) => at));
    if (next > this.now) {
      this.idle += next - this.now;
      this.now = next;
    }
    const arrived = this.arrivals.filter(({ at }) => at <= this.now);
    this.now += turnCost + arrived.length * requestCost;
    for (const arrival of arrived) arrival.at = this.load.clients(arrival.client, this.now);
    this.answers += arrived.length;
    this.coalescing.turnEnded(arrived.length);
  }
}

/** What a load comes to without coalescing, and then with it. */
function compare(load: Load, milliseconds: number, millisecondsWith: number) {
  const simulation = new Simulation();
  simulation.coalescing.enabled = false;
  const without = simulation.run(load, milliseconds);
  simulation.coalescing.enabled = true;
  return { without, coalesced: simulation.run(load, millisecondsWith) };
}

describe('requests are coalesced', () => {
  it('while one program keeps the server busy one by one: turns become larger, and as much is answered', () => {
    const { without, coalesced } = compare({ clients: oneProgram(17), count: 50 }, 1000, 1000);
    expect(without.perTurn).toBeLessThan(2);
    expect(coalesced.perTurn).toBeGreaterThan(3 * without.perTurn);
    expect(coalesced.rate).toBeGreaterThan(0.98 * without.rate);
  });

  it('and no longer when that ends', () => {
    const simulation = new Simulation();
    expect(simulation.run({ clients: oneProgram(17), count: 50 }, 500).paused).toBeGreaterThan(0.1);
    simulation.run({ clients: oneProgram(1000), count: 50 }, 100);
    expect(simulation.run({ clients: oneProgram(1000), count: 50 }, 5000).paused).toBe(0);
  });
});

describe('requests are not coalesced', () => {
  it.each<[string, Load]>([
    ['where the server waits for requests', { clients: oneProgram(60), count: 50 }],
    ['with few clients', { clients: oneProgram(17), count: 15 }],
    ['where turns are large', { clients: independent(20), count: 50 }],
  ])('%s', (_, load) => {
    expect(new Simulation().run(load, 5000).paused).toBe(0);
  });

  it.each<[string, Load]>([
    ['clients of their own would have to wait', { clients: independent(200), count: 16 }],
    ['the clock is coarse', { clients: oneProgram(17), count: 50, pauseMicroseconds: 4000 }],
  ])('but for trials where %s', (_, load) => {
    const { without, coalesced } = compare(load, 2000, 20_000);
    expect(coalesced.paused).toBeGreaterThan(0);
    expect(coalesced.paused).toBeLessThan(0.03);
    expect(coalesced.rate).toBeGreaterThan(0.97 * without.rate);
  });

  it('where it is switched off', () => {
    const simulation = new Simulation();
    simulation.run({ clients: oneProgram(17), count: 50 }, 100);
    simulation.coalescing.enabled = false;
    expect(simulation.run({ clients: oneProgram(17), count: 50 }, 1000).paused).toBe(0);
  });

  it('in a program that a server is embedded in', async () => {
    const { redis } = await startWithClient({});
    expect(await redis.info('debug')).toContain('eventloop_pauses:0\r\n');
    expect(await redis.config('GET', 'request-coalescing')).toEqual(['request-coalescing', 'yes']);
  });
});
