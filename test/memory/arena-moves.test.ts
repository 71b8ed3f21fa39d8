import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena, type Ref } from '../../src/memory/arena.js';

/** Writes a number all over a block, to see later that it is whole. */
function mark(arena: Arena, ref: Ref, bytes: number, value: number): void {
  arena.bufferOf(ref).fill(value & 0xff, arena.offsetOf(ref), arena.offsetOf(ref) + bytes);
}

function isMarked(arena: Arena, ref: Ref, bytes: number, value: number): boolean {
  const at = arena.offsetOf(ref);
  return arena
    .bufferOf(ref)
    .subarray(at, at + bytes)
    .every((byte) => byte === (value & 0xff));
}

interface Block {
  ref: Ref;
  bytes: number;
  value: number;
}

function moveAll(arena: Arena, blocks: Block[]): number {
  let moved = 0;
  for (const block of blocks) {
    if (!arena.shouldMove(block.ref)) continue;
    const copy = arena.copyBlock(block.ref);
    arena.release(block.ref);
    block.ref = copy;
    moved++;
  }
  return moved;
}

describe('moving blocks out of sparse pages', () => {
  it('leaves few pages and segments, and every block whole', () => {
    const arena = new Arena();
    const blocks: Block[] = [];
    for (let value = 0; value < 400_000; value++) {
      const bytes = 200 + (value % 5) * 100;
      const ref = arena.allocate(bytes);
      mark(arena, ref, bytes, value);
      blocks.push({ ref, bytes, value });
    }
    const kept = blocks.filter(({ value }) => value % 11 === 0);
    for (const { ref, value } of blocks) if (value % 11 !== 0) arena.release(ref);
    const { allocated } = arena;
    expect(arena.activeBytes).toBeGreaterThan(allocated * 5);

    expect(arena.planMoves()).toBeGreaterThan(allocated * 5);
    expect(moveAll(arena, kept)).toBeGreaterThan(kept.length / 2);
    arena.endMoves();

    expect(arena.allocated).toBe(allocated);
    expect(arena.activeBytes).toBeLessThan(allocated * 1.05);
    expect(arena.touchedBytes).toBeLessThan(allocated * 1.05 + 16 * 2 ** 20);
    expect(arena.returnableBytes).toBeGreaterThan(64 * 2 ** 20);
    arena.returnMemory();
    for (const { ref, bytes, value } of kept) expect(isMarked(arena, ref, bytes, value)).toBe(true);
    expect(arena.planMoves()).toBe(0);
  });

  it('keeps every block whole whatever else happens meanwhile', () => {
    const operation = fc.record({
      kind: fc.constantFrom('allocate', 'allocate', 'release', 'release', 'plan', 'move', 'end', 'return'),
      bytes: fc.integer({ min: 0, max: 20_000 }),
      index: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const arena = new Arena();
        const blocks: Block[] = [];
        let total = 0;
        operations.forEach(({ kind, bytes, index }, value) => {
          if (kind === 'allocate') {
            for (let i = 0; i < 20; i++) {
              const ref = arena.allocate(bytes);
              mark(arena, ref, bytes, value);
              blocks.push({ ref, bytes, value });
              total += arena.capacityFor(bytes);
            }
          } else if (kind === 'release') {
            const [gone] = blocks.length === 0 ? [] : blocks.splice(index % blocks.length, 1);
            if (gone === undefined) return;
            total -= arena.capacityFor(gone.bytes);
            arena.release(gone.ref);
          } else if (kind === 'plan') arena.planMoves();
          else if (kind === 'move') moveAll(arena, blocks.slice(index % (blocks.length + 1)));
          else if (kind === 'end') arena.endMoves();
          else arena.returnMemory();
          expect(arena.allocated).toBe(total);
        });
        for (const { ref, bytes, value } of blocks) expect(isMarked(arena, ref, bytes, value)).toBe(true);
        for (const { ref } of blocks) arena.release(ref);
        expect(arena.allocated).toBe(0);
        expect(arena.statistics().classes).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('dropped memory', () => {
  it('can be read until it is given back', () => {
    const arena = new Arena();
    const ref = arena.allocate(100_000);
    const buffer = arena.bufferOf(ref);
    buffer[99_999] = 7;
    arena.release(ref);
    expect(buffer[99_999]).toBe(7);
    expect(arena.returnableBytes).toBeGreaterThanOrEqual(100_000);
    arena.returnMemory();
    expect(buffer).toHaveLength(0);
    expect(arena.returnableBytes).toBe(0);
  });

  it('includes the spare segment once it is purged', () => {
    const arena = new Arena();
    arena.release(arena.allocate(100));
    expect(arena.segmentBytes).toBe(32 * 2 ** 20);
    arena.purge();
    expect(arena.segmentBytes).toBe(0);
    expect(arena.returnableBytes).toBe(32 * 2 ** 20);
    arena.returnMemory();
    const ref = arena.allocate(100);
    mark(arena, ref, 100, 3);
    expect(isMarked(arena, ref, 100, 3)).toBe(true);
  });
});
