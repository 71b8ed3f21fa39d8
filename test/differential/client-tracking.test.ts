import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SeededRandom } from '../../src/ambient/random.js';
import { Respite } from '../../src/index.js';
import { encodeCommand } from '../support/encode-command.mjs';
import { propertySeed } from '../support/properties.js';
import { describeWithRedisServer, startRedisServer } from '../support/redis-server.js';
import { ReplyReader } from '../support/reply-reader.mjs';

/** More than the connections of a scenario: their ids are then no numbers that commands answer with. */
const connectionsBefore = 40;

/** A connection that keeps replies and pushes in the order in which they came. */
class Line {
  readonly frames: string[] = [];
  id = '';
  private readonly reader = new ReplyReader();
  private changed: () => void = () => {};

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      for (const frame of this.reader.push(chunk)) this.frames.push(frame.toString('latin1'));
      this.changed();
    });
    socket.on('error', () => {});
  }

  static async open(port: number): Promise<Line> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    const line = new Line(socket);
    await line.ask('CLIENT', 'ID');
    line.id = line.take()[0].slice(1, -2);
    return line;
  }

  /** Sends a command and waits for what answers it, which is the first frame that is no push. */
  async ask(...words: string[]): Promise<void> {
    const from = this.frames.length;
    this.socket.write(encodeCommand(words));
    await this.until(() => this.frames.slice(from).some((frame) => frame[0] !== '>'));
  }

  /** Waits until all that was sent to this connection before has come. */
  async settle(): Promise<void> {
    const from = this.frames.length;
    this.socket.write(encodeCommand(['PING', 'settled']));
    // Between MULTI and EXEC it is queued.
    const answers = (frame: string) => frame.includes('settled') || frame === '+QUEUED\r\n';
    await this.until(() => this.frames.slice(from).some(answers));
  }

  private async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.changed = resolve));
  }

  take(): string[] {
    return this.frames.splice(0);
  }

  async close(): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.destroy();
    await closed;
  }
}

/**
 * Redis tells of a flush by the null of the tracker's protocol, also one who is told in its place and speaks another.
 */
function withOneNull(frame: string): string {
  return frame.replace(/(invalidate\r\n)(_|\$-1)\r\n$/, '$1null');
}

/**
 * Who takes part: two trackers, one in RESP2 that cannot be told itself, one that only writes, one that listens in
 * RESP2 and one in RESP3; and one that tracks all the time.
 */
const names = ['first', 'second', 'old', 'writer', 'listener', 'target', 'always'] as const;
type Name = (typeof names)[number];
type Step = readonly [Name, string];

/** The same connections to one server. */
class Side {
  private readonly lines = new Map<Name, Line>();

  constructor(private readonly port: number) {}

  async open(): Promise<void> {
    await this.close();
    for (const name of names) this.lines.set(name, await Line.open(this.port));
    const [writer, listener] = [this.lines.get('writer')!, this.lines.get('listener')!];
    await writer.ask('FLUSHALL');
    for (const name of ['first', 'second', 'target', 'always'] as const)
      await this.lines.get(name)!.ask('HELLO', '3');
    await listener.ask('SUBSCRIBE', '__redis__:invalidate');
    await this.lines.get('always')!.ask('CLIENT', 'TRACKING', 'ON');
    for (const line of this.lines.values()) line.take();
  }

  /** Runs a step, and returns what all connections got by it, with names in place of ids. */
  async run([name, command]: Step): Promise<string[][]> {
    const words = command.split(' ').map((word) => (word[0] === '#' ? this.idOf(word) : word));
    await this.lines.get(name)!.ask(...words);
    const lines = [...this.lines.values()];
    await Promise.all(lines.map((line) => line.settle()));
    return lines.map((line) => line.take().map((frame) => withOneNull(this.withoutIds(frame))));
  }

  private idOf(word: string): string {
    return this.lines.get(word.slice(1) as Name)!.id;
  }

  private withoutIds(frame: string): string {
    let text = frame;
    for (const [name, { id }] of this.lines) text = text.replaceAll(`:${id}\r\n`, `:#${name}\r\n`);
    return text;
  }

  async leave(name: Name): Promise<void> {
    await this.lines.get(name)!.close();
    this.lines.delete(name);
  }

  async close(): Promise<void> {
    for (const line of this.lines.values()) await line.close();
    this.lines.clear();
  }
}

describeWithRedisServer('client tracking', () => {
  let sides: Side[];
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    const redis = await startRedisServer();
    const respite = await Respite.start();
    ends.push(
      () => redis.stop(),
      () => respite.close(),
    );
    for (const port of [respite.port, redis.port])
      for (let i = 0; i < connectionsBefore; i++) await (await Line.open(port)).close();
    sides = [new Side(respite.port), new Side(redis.port)];
  });

  afterAll(async () => {
    for (const side of sides) await side.close();
    for (const end of ends) await end();
  });

  const open = () => Promise.all(sides.map((side) => side.open()));

  async function same(steps: readonly Step[]): Promise<void> {
    for (const [i, step] of steps.entries()) {
      const [ours, theirs] = await Promise.all(sides.map((side) => side.run(step)));
      expect(ours, `${i}: ${steps.slice(0, i + 1).join('\n')}`).toEqual(theirs);
    }
  }

  it('refuses what redis-server refuses, in the same words', async () => {
    await open();
    await same(
      [
        'TRACKING',
        'TRACKING maybe',
        'TRACKING ON REDIRECT',
        'TRACKING ON REDIRECT x',
        'TRACKING ON REDIRECT 999999',
        'TRACKING ON REDIRECT #target REDIRECT #listener',
        'TRACKING ON PREFIX a',
        'TRACKING ON BCAST PREFIX',
        'TRACKING ON BCAST PREFIX ab PREFIX a',
        'TRACKING ON BCAST PREFIX a PREFIX ab',
        'TRACKING ON BCAST OPTIN',
        'TRACKING ON OPTIN OPTOUT',
        'TRACKING ON NOSUCH',
        'CACHING YES',
        'TRACKING ON OPTIN',
        'TRACKING ON OPTOUT',
        'TRACKING ON BCAST',
        'CACHING NO',
        'CACHING maybe',
        'CACHING YES',
        'TRACKINGINFO',
        'TRACKING OFF',
        'TRACKING ON OPTOUT',
        'CACHING YES',
        'CACHING NO',
        'TRACKINGINFO',
        'TRACKING OFF',
        'TRACKING ON BCAST PREFIX b PREFIX a NOLOOP',
        'TRACKING ON BCAST PREFIX ab',
        'TRACKING ON BCAST PREFIX a',
        'TRACKING ON BCAST PREFIX c',
        'TRACKING ON BCAST',
        'TRACKINGINFO',
        'CACHING YES',
        'TRACKING ON',
        'TRACKING OFF NOSUCH',
        'GETREDIR',
        'TRACKING OFF',
        'GETREDIR',
        'TRACKING ON REDIRECT #target',
        'GETREDIR',
        'TRACKING ON',
        'TRACKINGINFO',
      ].map((words) => ['first', `CLIENT ${words}`] as const),
    );
  });

  it('tells clients in other ways once the one that was told in their place is gone', async () => {
    await open();
    await same([
      ['first', 'CLIENT TRACKING ON REDIRECT #target'],
      ['old', 'CLIENT TRACKING ON REDIRECT #listener'],
      ['first', 'GET k1'],
      ['old', 'GET k1'],
      ['writer', 'SET k1 1'],
      ['first', 'MGET k1 k2'],
      ['old', 'MGET k1 k2'],
    ]);
    for (const side of sides) {
      await side.leave('target');
      await side.leave('listener');
    }
    for (const step of [
      ['writer', 'SET k1 2'],
      ['writer', 'FLUSHALL'],
      ['old', 'CLIENT GETREDIR'],
    ] as const) {
      const got = await Promise.all(sides.map((side) => side.run(step)));
      const [ours, theirs] = got.map((all) =>
        all.map((frames) => frames.map((frame) => frame.replace(/:\d+/, ':'))),
      );
      expect(ours).toEqual(theirs);
    }
  });

  it('tells the same clients the same, at the same place between their replies', async () => {
    const keys = ['k1', 'k2', 'p:1', 'p:2'];
    const rounds = Number(process.env.TRACKING_ROUNDS ?? 15);
    for (let seed = propertySeed; seed < propertySeed + rounds; seed++) {
      const random = new SeededRandom(seed);
      const pick = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)];
      const key = () => pick(keys);
      const trackers = ['first', 'second', 'old'] as const;
      // Not those to whom others redirect: in Redis their messages come before the reply, or in the midst of it.
      const anyone = [...trackers, 'writer', 'always'] as const;
      const modes = [
        '',
        '',
        ' NOLOOP',
        ' OPTIN',
        ' OPTOUT NOLOOP',
        ' BCAST',
        ' BCAST NOLOOP',
        ' BCAST PREFIX p: PREFIX k1',
        ' BCAST PREFIX k NOLOOP',
      ];
      const makers: (() => readonly Step[])[] = [
        () => [
          [
            pick(trackers),
            `CLIENT TRACKING ON${pick(['', ' REDIRECT #target', ' REDIRECT #listener'])}${pick(modes)}`,
          ],
        ],
        () => [[pick(trackers), 'CLIENT TRACKING OFF']],
        () => [
          [pick(trackers), `CLIENT ${pick(['CACHING YES', 'CACHING NO', 'TRACKINGINFO', 'GETREDIR', 'ID'])}`],
        ],
        () => [[pick(anyone), `GET ${key()}`]],
        () => [[pick(anyone), pick(['NOSUCH', 'GET', 'CLIENT NOSUCH', 'CLIENT CACHING', 'GET a b'])]],
        () => [[pick(anyone), `MGET ${key()} ${key()}`]],
        () => [[pick(anyone), `SET ${key()} v`]],
        () => [[pick(anyone), `MSET ${key()} v ${key()} w`]],
        () => [[pick(anyone), `${pick(['DEL', 'GETDEL', 'EXISTS', 'STRLEN', 'TYPE', 'TTL'])} ${key()}`]],
        () => [[pick(anyone), `EXPIRE ${key()} ${pick(['-1', '1000'])}`]],
        () => [[pick(anyone), `${pick(['RENAME', 'COPY'])} ${key()} ${key()}`]],
        () => [[pick(anyone), pick(['FLUSHALL', 'FLUSHDB', 'SWAPDB 0 1', 'SELECT 0', 'SELECT 1'])]],
        () => {
          const who = pick(anyone);
          const queue: Step[] = [
            [who, `GET ${key()}`],
            [who, `SET ${key()} x`],
            [who, `GET ${key()}`],
          ];
          return [[who, 'MULTI'], ...queue.slice(Math.floor(random.next() * 3)), [who, 'EXEC']];
        },
        // Redis 7.0 takes a script that reads one of its keys to read them all, and one that writes to be somebody
        // else.
        () => [
          [
            pick(['writer', 'always']),
            `EVAL return{redis.call('get',KEYS[1]),redis.call('set','${key()}','1')} 1 ${key()}`,
          ],
        ],
        () => [[pick(anyone), `EVAL_RO return{redis.call('get',KEYS[1])} 1 ${key()}`]],
      ];
      await open();
      await same(Array.from({ length: 25 }, () => pick(makers)()).flat());
    }
  });
});
