import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { Arena } from '../../src/memory/arena.js';
import type { ConsumerGroup } from '../../src/values/consumer-group.js';
import { IdCursor } from '../../src/values/id-index.js';
import { Stream } from '../../src/values/stream.js';
import { StreamId } from '../../src/values/stream-id.js';
import { StreamImage, StreamPart } from '../../src/values/stream-image.js';
import { StreamSettings } from '../../src/values/stream-settings.js';
import { trimStream } from '../../src/values/stream-trimming.js';

const cursor = new IdCursor();

/** Shows what a visitor of an image sees, as text. */
class Reader {
  readonly lines: string[] = [];

  constructor(private readonly image: StreamImage) {
    const { size, entriesAdded, lastId, firstId, maxDeletedId, groups } = image;
    this.lines.push(`${size} ${entriesAdded} ${lastId} ${firstId} ${maxDeletedId} ${groups.length}`);
  }

  /** True at the end. */
  read(budget: number): boolean {
    return this.image.visitSome(budget, (name, value, part) => this.lines.push(this.line(name, value, part)));
  }

  private line(name: Bytes, value: Bytes, part: number): string {
    const { image } = this;
    switch (part) {
      case StreamPart.node:
        return `node ${image.id} ${name.latin1()} ${value.latin1()}`;
      case StreamPart.group: {
        const { name, lastId, entriesRead, pending } = image.group;
        return `group ${name} ${lastId} ${entriesRead} ${pending.size}`;
      }
      case StreamPart.pending:
        return `pending ${image.id} ${image.time} ${image.deliveries} ${image.group.nameOf(image.owner)}`;
      case StreamPart.consumer: {
        const { name, seenTime, activeTime, pending } = image.consumer;
        return `consumer ${name} ${seenTime} ${activeTime} ${pending.size}`;
      }
      default:
        return `owned ${image.id}`;
    }
  }
}

class Model {
  readonly arena = new Arena();
  readonly stream: Stream;
  private next = 1;

  constructor() {
    const settings = new StreamSettings();
    settings.setNodeEntries(3);
    this.stream = new Stream(this.arena, settings);
    for (const name of ['g', 'h']) {
      const group = this.stream.createGroup(name, new StreamId(), 0);
      for (const consumer of ['alice', 'bob', 'carol']) group.createConsumer(consumer, 7);
    }
  }

  add(count: number): void {
    for (; count > 0; count--) {
      const args = ['field', `value ${this.next}`].map((word) => Bytes.of(word));
      this.stream.append(StreamId.of(this.next++, 0), args, 0, 2);
    }
  }

  id(n: number): StreamId {
    return StreamId.of(1 + (n % this.next), 0);
  }

  group(n: number): ConsumerGroup | undefined {
    const groups = this.stream.sortedGroups();
    return groups[n % groups.length];
  }

  deliver(n: number, count: number): void {
    const group = this.group(n);
    const consumers = group?.sortedConsumers() ?? [];
    if (group === undefined || consumers.length === 0) return;
    for (let i = 0; i < count; i++) {
      const consumer = consumers[(n + i) % consumers.length];
      group.deliver(this.id(n + i * 3), consumer, n, i, cursor);
      consumer.activeTime = n;
    }
    group.lastId.assign(this.id(n));
  }

  acknowledge(n: number, count: number): void {
    for (let i = 0; i < count; i++) this.group(n)?.acknowledge(this.id(n + i), cursor);
  }

  forget(n: number): void {
    const group = this.group(n);
    const consumer = group?.sortedConsumers()[0];
    if (consumer !== undefined) group?.deleteConsumer(consumer);
    else if (group !== undefined) this.stream.destroyGroup(group);
  }
}

type Step = (model: Model, n: number) => void;
const step: fc.Arbitrary<[Step, number]> = fc.tuple(
  fc.oneof(
    { weight: 4, arbitrary: fc.nat(400).map((count) => (model: Model) => model.add(count)) },
    { weight: 4, arbitrary: fc.nat(9).map((count) => (model: Model) => model.add(count)) },
    { weight: 3, arbitrary: fc.constant((model: Model, n: number) => void model.stream.delete(model.id(n))) },
    {
      weight: 2,
      arbitrary: fc.constant(
        (model: Model, n: number) => void trimStream(model.stream, { minId: model.id(n) }),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.constant((model: Model, n: number) => {
        const consent = { upTo: model.id(n), mayGo: (id: StreamId) => id.ms % 3 !== 0 };
        trimStream(model.stream, { maxLength: n % 100, consent });
      }),
    },
    {
      weight: 5,
      arbitrary: fc.nat(400).map((count) => (model: Model, n: number) => model.deliver(n, count)),
    },
    {
      weight: 5,
      arbitrary: fc.nat(200).map((count) => (model: Model, n: number) => model.acknowledge(n, count)),
    },
    { weight: 1, arbitrary: fc.constant((model: Model, n: number) => model.forget(n)) },
  ),
  fc.nat(3000),
);

function readAll(reader: Reader): string[] {
  while (!reader.read(1000));
  return reader.lines;
}

describe('the image of a stream', () => {
  it('is what the stream was, whatever changes while it is read', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 20 }),
        fc.array(fc.tuple(step, fc.integer({ min: 0, max: 60 })), { maxLength: 30 }),
        fc.boolean(),
        (before, during, frees) => {
          const model = new Model();
          model.add(50);
          for (const [run, n] of before) run(model, n);
          const wanted = readAll(new Reader(new StreamImage(model.stream)));
          const image = model.stream.takeImage();
          const reader = new Reader(image);
          for (const [[run, n], budget] of during) {
            run(model, n);
            reader.read(budget);
          }
          if (frees) while (!model.stream.freeSlice(5)) reader.read(1);
          expect(readAll(reader)).toEqual(wanted);
          image.drop();
        },
      ),
      { numRuns: 150 },
    );
  });

  it('copies little of what changes, and nothing once it is dropped', () => {
    const model = new Model();
    model.add(3000);
    model.deliver(0, 900);
    const image = model.stream.takeImage();
    model.add(100);
    model.acknowledge(0, 3);
    expect(image.copiedBytes).toBeGreaterThan(0);
    expect(image.copiedBytes).toBeLessThan(20_000);
    const { copiedBytes } = image;
    image.drop();
    model.acknowledge(500, 900);
    trimStream(model.stream, { maxLength: 0 });
    expect(image.copiedBytes).toBe(copiedBytes);
  });
});
