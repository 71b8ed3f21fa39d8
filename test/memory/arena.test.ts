import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Arena, ArenaFullError, type Ref } from '../../src/memory/arena.js';
import { seededRandom } from '../support/random.js';

const MIB = 1024 * 1024;
const SEGMENT = 64 * MIB;
const FIRST_SEGMENT = 32 * MIB;

/** Sizes around every boundary: single granules, size classes, the largest paged block, large blocks. */
const anySize = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 1100 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 16_384 }) },
  { weight: 1, arbitrary: fc.integer({ min: 16_385, max: 100_000 }) },
);

/** An arena beside a list of what should be in it; each block is filled with a byte of its own. */
class CheckedArena {
  readonly arena = new Arena();
  readonly live = new Map<Ref, { capacity: number; fill: number }>();
  private count = 0;

  allocate(bytes: number): Ref {
    const { arena } = this;
    const ref = arena.allocate(bytes);
    const capacity = arena.capacityFor(bytes);
    expect(ref).not.toBe(0);
    expect(this.live.has(ref)).toBe(false);
    expect(capacity).toBeGreaterThanOrEqual(bytes);
    expect(arena.capacityOf(ref)).toBe(capacity);
    const fill = this.count++ & 0xff;
    const at = arena.offsetOf(ref);
    arena.bufferOf(ref).fill(fill, at, at + capacity);
    this.live.set(ref, { capacity, fill });
    return ref;
  }

  /** Checks the content, which another block's fill would have spoilt if the two overlapped. */
  release(ref: Ref): void {
    this.checkContent(ref);
    this.arena.release(ref);
    this.live.delete(ref);
  }

  check(): void {
    for (const ref of this.live.keys()) this.checkContent(ref);
    const { arena } = this;
    const counted = [...this.live.values()].reduce((sum, block) => sum + block.capacity, 0);
    expect(arena.allocated).toBe(counted);
    expect(arena.segmentBytes).toBeGreaterThanOrEqual(counted);
    const { classes, largeBlocks, largeBytes } = arena.statistics();
    expect(classes.reduce((sum, line) => sum + line.blockBytes * line.usedBlocks, largeBytes)).toBe(counted);
    expect(classes.reduce((sum, line) => sum + line.usedBlocks, largeBlocks)).toBe(this.live.size);
  }

  private checkContent(ref: Ref): void {
    const { capacity, fill } = this.live.get(ref)!;
    const at = this.arena.offsetOf(ref);
    const buffer = this.arena.bufferOf(ref);
    const intact =
      buffer[at] === fill && buffer.compare(buffer, at, at + capacity - 1, at + 1, at + capacity) === 0;
    expect(intact, `block ${ref} of ${capacity} bytes is intact`).toBe(true);
  }
}

describe('Arena', () => {
  it('takes its first segment before there is anything, and uses it', () => {
    const arena = new Arena();
    arena.prepare();
    arena.prepare();
    expect(arena.segmentBytes).toBe(FIRST_SEGMENT);
    const ref = arena.allocate(100);
    expect(arena.segmentBytes).toBe(FIRST_SEGMENT);
    arena.release(ref);
    arena.prepare();
    expect(arena.segmentBytes).toBe(FIRST_SEGMENT);
    arena.purge();
    expect(arena.segmentBytes).toBe(0);
  });

  it('hands out blocks that never overlap, keeps their content, and counts them exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), anySize), { maxLength: 400 }), (steps) => {
        const checked = new CheckedArena();
        for (const [grow, size] of steps) {
          const refs = [...checked.live.keys()];
          if (grow || refs.length === 0) checked.allocate(size);
          else checked.release(refs[size % refs.length]);
        }
        checked.check();
        for (const ref of [...checked.live.keys()]) checked.release(ref);
        expect(checked.arena.allocated).toBe(0);
        expect(checked.arena.statistics().classes).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps its promises over many pages of few sizes', () => {
    const random = seededRandom(7);
    const checked = new CheckedArena();
    const refs: Ref[] = [];
    for (let phase = 0; phase < 6; phase++) {
      const growing = phase % 2 === 0 ? 0.8 : 0.25;
      for (let step = 0; step < 6000; step++) {
        if (random() < growing || refs.length === 0) {
          refs.push(checked.allocate([48, 64, 700, 5000, 16_384][Math.floor(random() * 5)]));
        } else {
          const index = Math.floor(random() * refs.length);
          checked.release(refs[index]);
          refs[index] = refs[refs.length - 1];
          refs.pop();
        }
      }
      checked.check();
    }
  });

  it('gives blocks of at most 16 bytes more than asked up to a kilobyte, and at most a third more up to 16 KiB', () => {
    const arena = new Arena();
    for (let bytes = 1; bytes <= 1024; bytes++)
      expect(arena.capacityFor(bytes)).toBe(Math.ceil(bytes / 16) * 16);
    for (let bytes = 1025; bytes <= 16_384; bytes++) {
      const capacity = arena.capacityFor(bytes);
      expect(capacity).toBeGreaterThanOrEqual(bytes);
      expect(capacity / bytes).toBeLessThan(1.34);
    }
    expect(arena.capacityFor(0)).toBe(16);
  });

  it('rounds large blocks up by at most an eighth or 4 KiB', () => {
    const arena = new Arena();
    fc.assert(
      fc.property(fc.integer({ min: 16_385, max: 0x60000000 }), (bytes) => {
        const capacity = arena.capacityFor(bytes);
        expect(capacity).toBeGreaterThanOrEqual(bytes);
        expect(capacity - bytes).toBeLessThan(Math.max(4096, bytes / 8));
        expect(arena.capacityFor(capacity)).toBe(capacity);
        expect(arena.capacityFor(capacity + 1)).toBeGreaterThan(capacity);
      }),
    );
  });

  it('holds large blocks in buffers of their own', () => {
    const checked = new CheckedArena();
    const refs = [20_000, 300_000, 5 * MIB].map((bytes) => checked.allocate(bytes));
    for (const ref of refs) expect(checked.arena.offsetOf(ref)).toBe(0);
    expect(new Set(refs.map((ref) => checked.arena.bufferOf(ref))).size).toBe(3);
    checked.check();
    checked.release(refs[1]);
    expect(checked.allocate(30_000)).toBe(refs[1]);
    for (const ref of [...checked.live.keys()]) checked.release(ref);
    expect(checked.arena.segmentBytes).toBe(0);
  });

  it('lets a block stay that has an eighth to spare, so that what sways around a size does not move', () => {
    const arena = new Arena();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16_384 }), (bytes) => {
        const ref = arena.allocate(bytes);
        const capacity = arena.capacityOf(ref);
        expect(arena.canStay(ref, bytes)).toBe(true);
        expect(arena.canStay(ref, capacity)).toBe(true);
        expect(arena.canStay(ref, capacity + 1)).toBe(false);
        const spare = capacity >> 3;
        if (capacity > spare + 1) expect(arena.canStay(ref, capacity - spare)).toBe(true);
        for (let less = capacity - spare - 1; less > 0; less -= 7) {
          const stays = arena.canStay(ref, less);
          // Never more than an eighth beyond what the bytes would get.
          expect(stays).toBe(arena.capacityFor(less + spare) === capacity);
        }
        arena.release(ref);
      }),
      { numRuns: 50 },
    );
  });

  it('gives segments back when they empty, but one', () => {
    const arena = new Arena();
    const refs: Ref[] = [];
    while (arena.segmentBytes < 4 * SEGMENT) refs.push(arena.allocate(16_384));
    for (const ref of refs.splice(0)) arena.release(ref);
    expect(arena.allocated).toBe(0);
    expect(arena.segmentBytes).toBe(FIRST_SEGMENT);
    // The slots of the dropped segments serve again.
    const again = new Set<Ref>();
    while (arena.segmentBytes < 4 * SEGMENT) again.add(arena.allocate(16_384));
    expect(again.size).toBeGreaterThan(3 * 4000);
    expect(Math.max(...again) >>> 22).toBe(4);
  });

  it('uses the free pages that it has before it takes another segment', () => {
    const arena = new Arena();
    const refs: Ref[] = [];
    while (arena.segmentBytes < 4 * SEGMENT) refs.push(arena.allocate(16_384));
    const inSegment = (ref: Ref, segment: number) => ref >>> 22 === segment;
    for (const ref of refs) if (inSegment(ref, 0) || inSegment(ref, 1)) arena.release(ref);
    const pagesOf2 = refs.filter((ref) => inSegment(ref, 2)).slice(0, 40);
    for (const ref of pagesOf2) arena.release(ref);
    expect(arena.segmentBytes).toBe(FIRST_SEGMENT + 3 * SEGMENT);
    // More than the kept empty segment holds: the rest must come from segments 2 and 4, not from the dropped
    // one.
    const again = Array.from({ length: 5000 }, () => arena.allocate(16_384));
    expect(again.some((ref) => inSegment(ref, 1))).toBe(false);
    expect(arena.segmentBytes).toBe(FIRST_SEGMENT + 3 * SEGMENT);
  });

  it('lets pages that emptied serve another size', () => {
    const arena = new Arena();
    for (let round = 0; round < 5; round++) {
      const size = 16 << round;
      const refs: Ref[] = [];
      for (let bytes = 0; bytes < 30 * MIB; bytes += size + 960) refs.push(arena.allocate(size + 960));
      expect(arena.segmentBytes).toBe(FIRST_SEGMENT);
      for (const ref of refs) arena.release(ref);
    }
  });

  it('drops everything on clear and can be used again', () => {
    const checked = new CheckedArena();
    for (let i = 0; i < 1000; i++) checked.allocate(i * 20);
    checked.arena.clear();
    checked.live.clear();
    expect(checked.arena.allocated).toBe(0);
    expect(checked.arena.segmentBytes).toBe(0);
    for (let i = 0; i < 1000; i++) checked.allocate(i * 20);
    checked.check();
  });

  it('throws ArenaFullError and stays as it was when there is no memory', () => {
    const checked = new CheckedArena();
    checked.allocate(100);
    expect(() => checked.arena.allocate(0x7fffffff)).toThrow(ArenaFullError);
    const failing = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    expect(() => checked.arena.allocate(50_000)).toThrow(ArenaFullError);
    failing.mockRestore();
    checked.check();
    while (checked.arena.statistics().freePages > 0) checked.arena.allocate(16_384);
    const before = checked.arena.allocated;
    const original = globalThis.ArrayBuffer;
    vi.stubGlobal('ArrayBuffer', function refuse() {
      throw new RangeError('Array buffer allocation failed');
    });
    try {
      expect(() => {
        for (;;) checked.arena.allocate(16_384);
      }).toThrow(ArenaFullError);
    } finally {
      vi.stubGlobal('ArrayBuffer', original);
      vi.unstubAllGlobals();
    }
    expect(checked.arena.allocated).toBeLessThan(before + 4 * 16_384);
    expect(checked.arena.allocate(16_384)).not.toBe(0);
  });
});
