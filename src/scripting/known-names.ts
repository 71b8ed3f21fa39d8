import type { Bytes } from '../bytes/bytes.js';
import type { LuaState } from './lua/lua-state.js';

/** A power of two. */
const slotCount = 512;

/**
 * What strings of a Lua machine mean, by their address, so that a name that stands in a script need not be looked up
 * each time. The strings are kept, lest another comes to be where one was; so there is an end to it.
 */
export class KnownNames<Meaning> {
  private readonly addresses = new Int32Array(slotCount).fill(-1);
  private readonly meanings = new Array<Meaning | undefined>(slotCount).fill(undefined);
  private kept = 0;

  constructor(private readonly lua: LuaState) {}

  /** The meaning of a string in the machine's memory, if it is known. Hot. */
  find({ start }: Bytes): Meaning | undefined {
    const slot = (start >> 4) & (slotCount - 1);
    return this.addresses[slot] === start ? this.meanings[slot] : undefined;
  }

  /** Remembers the meaning of the string at an index of the thread's stack. Allocates in Lua. */
  learn({ start }: Bytes, meaning: Meaning, L: number, index: number): void {
    if (this.kept >= slotCount) return;
    this.kept++;
    this.lua.keepOf(L, index);
    const slot = (start >> 4) & (slotCount - 1);
    this.addresses[slot] = start;
    this.meanings[slot] = meaning;
  }
}
