import type { LuaHost } from './host.js';

const INITIAL_CAPACITY = 1 << 16;

/** A buffer that grew beyond this is given back after its use. */
const KEPT_CAPACITY = 1 << 20;

/**
 * After so many bytes the time is looked at: small data may give long strings, as a table may be in another one
 * twice.
 */
const LOOK_INTERVAL = 1 << 20;

/** No string that a script makes is longer: what Redis allows for a value, too. */
const MAX_CAPACITY = 512 * 1024 * 1024;

/**
 * Bytes under construction, in the Lua machine's own memory: strings are copied from there and the result is
 * pushed from there, and the machine's memory limit covers it. One per machine, used by one function at a time.
 */
export class Output {
  /** Where the next byte goes: an address in the machine's memory. */
  at = 0;
  private start = 0;
  private end = 0;
  /** What may be written before the time is looked at, or more memory is needed. */
  private pause = 0;

  constructor(readonly host: LuaHost) {}

  /** Bytes written so far. */
  get length(): number {
    return this.at - this.start;
  }

  begin(L: number): void {
    if (this.end - this.start > KEPT_CAPACITY) this.release();
    if (this.start === 0) this.allocate(L, INITIAL_CAPACITY);
    this.at = this.start;
    this.pause = Math.min(this.end, this.start + LOOK_INTERVAL);
  }

  /** Makes room for `size` more bytes; they may be written to `host.bytes` at `at`, read after this call. */
  reserve(L: number, size: number): void {
    if (this.at + size > this.pause) this.proceed(L, size);
  }

  /** Adds one byte, for which room was reserved. */
  put(byte: number): void {
    this.host.bytes[this.at++] = byte;
  }

  /** Adds a text of bytes (latin1). */
  text(L: number, text: string): void {
    this.reserve(L, text.length);
    const { bytes } = this.host;
    let { at } = this;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.at = at;
  }

  /** Adds bytes of the machine's memory. */
  copy(L: number, address: number, length: number): void {
    this.reserve(L, length);
    this.host.bytes.copyWithin(this.at, address, address + length);
    this.at += length;
  }

  /** Pushes what was written as a string. */
  push(L: number): void {
    this.host.api.lua_pushlstring(L, this.start, this.at - this.start);
    if (this.end - this.start > KEPT_CAPACITY) this.release();
  }

  private proceed(L: number, size: number): void {
    this.host.module.watcher(L);
    if (this.at + size > this.end) this.grow(L, size);
    this.pause = Math.min(this.end, this.at + size + LOOK_INTERVAL);
  }

  private grow(L: number, size: number): void {
    const used = this.at - this.start;
    const capacity = Math.max((this.end - this.start) * 2, used + size);
    if (used + size > MAX_CAPACITY) this.refuse(L);
    const start = this.host.api.realloc(this.start, Math.min(capacity, MAX_CAPACITY));
    if (start === 0) this.refuse(L);
    this.start = start >>> 0;
    this.end = this.start + Math.min(capacity, MAX_CAPACITY);
    this.at = this.start + used;
  }

  private allocate(L: number, capacity: number): void {
    const start = this.host.api.malloc(capacity);
    if (start === 0) this.host.fail(L, 'not enough memory');
    this.start = start >>> 0;
    this.end = this.start + capacity;
  }

  private refuse(L: number): never {
    this.release();
    this.host.fail(L, 'not enough memory');
  }

  private release(): void {
    this.host.api.free(this.start);
    this.start = 0;
    this.end = 0;
    this.at = 0;
    this.pause = 0;
  }
}
