import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { Arena } from '../../src/memory/arena.js';
import { checkStreamNode } from '../../src/persistence/stream-node-check.js';
import { IdCursor } from '../../src/values/id-index.js';
import { Stream } from '../../src/values/stream.js';
import { StreamCursor } from '../../src/values/stream-cursor.js';
import { StreamId } from '../../src/values/stream-id.js';
import { NodeWord } from '../../src/values/stream-node.js';
import { StreamSettings } from '../../src/values/stream-settings.js';
import { trimStream } from '../../src/values/stream-trimming.js';

const cursor = new StreamCursor();
const field = new Bytes();
const value = new Bytes();

interface Entry {
  id: StreamId;
  words: string[];
}

function setup(nodeBytes = 4096, nodeEntries = 100) {
  const arena = new Arena();
  const settings = new StreamSettings();
  settings.setNodeBytes(nodeBytes);
  settings.setNodeEntries(nodeEntries);
  return { arena, settings, stream: new Stream(arena, settings) };
}

function readEntry(): string {
  const words: string[] = [];
  const id = cursor.id.toString();
  for (let left = cursor.fields; left > 0; left--) {
    cursor.readPair(field, value);
    words.push(field.latin1(), value.latin1());
  }
  return `${id} ${JSON.stringify(words)}`;
}

const shown = ({ id, words }: Entry) => `${id} ${JSON.stringify(words)}`;

function forwards(stream: Stream, from = new StreamId()): string[] {
  const found: string[] = [];
  for (cursor.seek(stream, from); !cursor.done; cursor.next()) found.push(readEntry());
  return found;
}

function backwards(stream: Stream, to = new StreamId().setGreatest()): string[] {
  const found: string[] = [];
  for (cursor.seekBefore(stream, to); !cursor.done; cursor.previous()) found.push(readEntry());
  return found;
}

/** Every node is what Redis would accept, and its counts are true. */
function checkNodes(stream: Stream): void {
  const last = new StreamId();
  const node = new IdCursor();
  for (node.first(stream.nodes); !node.done; node.next()) {
    const ref = node.words[node.at + NodeWord.ref];
    const from = stream.arena.offsetOf(ref);
    const length = node.words[node.at + NodeWord.length];
    expect(length).toBeLessThanOrEqual(stream.arena.capacityOf(ref));
    const bytes = new Bytes(stream.arena.bufferOf(ref), from, from + length);
    expect(checkStreamNode(bytes, node.readId(new StreamId()), last)).toBe(true);
  }
}

function append(stream: Stream, id: StreamId, words: string[]): void {
  stream.append(
    id,
    words.map((word) => Bytes.of(word)),
    0,
    words.length,
  );
}

/** A stream beside a list of entries. */
class Model {
  entries: Entry[] = [];
  added = 0;
  maxDeleted = new StreamId();

  constructor(
    readonly stream: Stream,
    readonly nodeEntries: number,
  ) {}

  add(ms: number, seq: bigint, words: string[]): void {
    const id = new StreamId().setBig(
      this.stream.lastId.msBig + BigInt(ms),
      ms === 0 ? this.stream.lastId.seqBig + 1n : seq,
    );
    if (id.compare(this.stream.lastId) <= 0) return;
    append(this.stream, id, words);
    this.entries.push({ id, words });
    this.added++;
  }

  delete(id: StreamId): void {
    const at = this.entries.findIndex((entry) => entry.id.equals(id));
    expect(this.stream.delete(id)).toBe(at >= 0);
    if (at < 0) return;
    if (id.compare(this.maxDeleted) > 0) this.maxDeleted.assign(id);
    this.entries.splice(at, 1);
  }

  trimTo(maxLength: number): void {
    const removed = Math.max(this.entries.length - maxLength, 0);
    expect(trimStream(this.stream, { maxLength })).toBe(removed);
    this.entries.splice(0, removed);
  }

  trimBefore(minId: StreamId): void {
    const removed = this.entries.filter(({ id }) => id.compare(minId) < 0).length;
    expect(trimStream(this.stream, { minId })).toBe(removed);
    this.entries.splice(0, removed);
  }

  /** Whole nodes: what goes is the stream's choice, but never too much. */
  trimRoughly(maxLength: number, limit: number): void {
    const removed = trimStream(this.stream, { maxLength, limit });
    expect(removed).toBeLessThanOrEqual(Math.min(limit, Math.max(this.entries.length - maxLength, 0)));
    if (limit > this.entries.length) {
      expect(this.entries.length - removed - maxLength).toBeLessThan(Math.max(this.nodeEntries, 1));
    }
    this.entries.splice(0, removed);
  }

  /** Only what `mayGo`, up to an ID, goes; the rest of it stays where it is. */
  trimByConsent(
    trimming: { maxLength: number } | { minId: StreamId },
    upTo: StreamId,
    modulus: number,
  ): void {
    const mayGo = (id: StreamId) => id.seqBig % BigInt(modulus) !== 0n;
    const most = 'maxLength' in trimming ? this.entries.length - trimming.maxLength : this.entries.length;
    const going = this.entries
      .filter(({ id }) => !('minId' in trimming) || id.compare(trimming.minId) < 0)
      .filter(({ id }) => id.compare(upTo) <= 0 && mayGo(id))
      .slice(0, Math.max(most, 0));
    expect(trimStream(this.stream, { ...trimming, consent: { upTo, mayGo } })).toBe(going.length);
    this.entries = this.entries.filter((entry) => !going.includes(entry));
  }

  check(probes: StreamId[]): void {
    const { stream, entries } = this;
    const wanted = entries.map(shown);
    expect(forwards(stream)).toEqual(wanted);
    expect(backwards(stream)).toEqual(wanted.toReversed());
    expect(stream.size).toBe(entries.length);
    expect(stream.entriesAdded).toBe(this.added);
    expect(stream.firstId.toString()).toBe((entries[0]?.id ?? new StreamId()).toString());
    expect(stream.readLastLiveId(new StreamId()).toString()).toBe(
      (entries.at(-1)?.id ?? new StreamId()).toString(),
    );
    expect(stream.maxDeletedId.toString()).toBe(this.maxDeleted.toString());
    for (const id of [...probes, ...entries.slice(0, 3).map((entry) => entry.id)]) {
      expect(forwards(stream, id)).toEqual(entries.filter((entry) => entry.id.compare(id) >= 0).map(shown));
      expect(backwards(stream, id)).toEqual(
        entries
          .filter((entry) => entry.id.compare(id) <= 0)
          .map(shown)
          .toReversed(),
      );
      expect(stream.has(id)).toBe(entries.some((entry) => entry.id.equals(id)));
    }
    checkNodes(stream);
  }
}

const word = fc.oneof(
  fc.constantFrom('field', 'a', '', '17', '-9000000000', '9223372036854775807', '\x00\xff'),
  fc.integer({ min: 0, max: 1000 }).map((length) => 'x'.repeat(length)),
);
const words = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant('field'), word, fc.constant('other'), word) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('field'), word) },
  {
    weight: 1,
    arbitrary: fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 4 }).map((pairs) => pairs.flat()),
  },
);
const gap = fc.oneof(fc.constantFrom(0, 0, 1), fc.nat(2 ** 40), fc.constant(2 ** 50));
const sequence = fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 2n }));

type Step = (model: Model) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(gap, sequence, words, fc.integer({ min: 1, max: 30 }))
      .map(([ms, seq, entry, times]) => (model: Model) => {
        for (let i = 0; i < times; i++) model.add(ms, seq, entry);
      }),
  },
  {
    weight: 4,
    arbitrary: fc.array(fc.nat(), { maxLength: 20 }).map((places) => (model: Model) => {
      for (const at of places) {
        if (model.entries.length > 0) model.delete(model.entries[at % model.entries.length].id);
      }
    }),
  },
  { weight: 1, arbitrary: fc.nat(5).map((at) => (model: Model) => model.delete(StreamId.of(at, at))) },
  { weight: 1, arbitrary: fc.nat(60).map((length) => (model: Model) => model.trimTo(length)) },
  {
    weight: 1,
    arbitrary: fc.nat().map((at) => (model: Model) => {
      if (model.entries.length > 0) model.trimBefore(model.entries[at % model.entries.length].id);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(60), fc.constantFrom(0, 3, 1000)).map(
      ([length, limit]) =>
        (model: Model) =>
          model.trimRoughly(length, limit),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.boolean(), fc.nat(60), fc.nat(), fc.integer({ min: 1, max: 4 }))
      .map(([byLength, length, at, modulus]) => (model: Model) => {
        const { entries } = model;
        if (entries.length === 0) return;
        const upTo = entries[at % entries.length].id;
        const minId = entries[length % entries.length].id;
        model.trimByConsent(byLength ? { maxLength: length } : { minId }, upTo, modulus);
      }),
  },
);

describe('Stream', () => {
  it('is a list of entries in the order of their IDs', () => {
    const nodes = fc.constantFrom<[number, number]>([4096, 100], [100, 0], [0, 3], [4096, 1], [0, 200]);
    const probe = fc.tuple(fc.nat(2 ** 41), fc.nat(3)).map(([ms, seq]) => StreamId.of(ms, seq));
    fc.assert(
      fc.property(
        nodes,
        fc.array(step, { maxLength: 25 }),
        fc.array(probe, { maxLength: 5 }),
        (sizes, steps, probes) => {
          const { arena, stream } = setup(...sizes);
          const model = new Model(stream, sizes[1] || 1000);
          for (const run of steps) run(model);
          model.check(probes);
          const copy = stream.copy();
          expect(forwards(copy)).toEqual(model.entries.map(shown));
          while (!copy.freeSlice(7));
          while (!stream.freeSlice(7));
          expect([arena.allocated, arena.indexBytes, stream.size]).toEqual([0, 0, 0]);
        },
      ),
      { numRuns: 80 },
    );
  });

  it('has nodes as large as the settings say', () => {
    const { stream } = setup(4096, 10);
    for (let i = 1; i <= 35; i++) append(stream, StreamId.of(i, 0), ['field', String(i)]);
    expect(stream.nodes.size).toBe(4);
    const large = setup(100, 0);
    for (let i = 1; i <= 10; i++) append(large.stream, StreamId.of(i, 0), ['field', 'x'.repeat(60)]);
    expect(large.stream.nodes.size).toBe(10);
  });

  it('takes little memory for much, and none for nothing', () => {
    const { arena, stream } = setup();
    for (let i = 1; i <= 20_000; i++) {
      append(stream, StreamId.of(1526919030474 + i, 0), [
        'name',
        `n${i}`,
        'surname',
        'text',
        'age',
        String(i % 80),
      ]);
    }
    expect((arena.allocated + arena.indexBytes) / 20_000).toBeLessThan(32);
    expect(stream.elementBytes(0) + stream.bytes).toBe(arena.allocated + arena.indexBytes);
    trimStream(stream, { maxLength: 0 });
    expect(arena.allocated).toBe(0);
  });

  it('is trimmed at its beginning in constant time', () => {
    const { stream } = setup(4096, 100);
    for (let i = 1; i <= 100; i++) append(stream, StreamId.of(i, 0), ['f', 'v']);
    for (let i = 101; i <= 5000; i++) {
      append(stream, StreamId.of(i, 0), ['f', 'v']);
      expect(trimStream(stream, { maxLength: 100 })).toBe(1);
      expect(stream.firstId.ms).toBe(i - 99);
    }
    expect(forwards(stream)).toHaveLength(100);
  });
});
