import { createHash } from 'node:crypto';
import { type Bytes, equalBytes } from '../bytes/bytes.js';
import { readScriptHeader } from './header.js';
import type { KeptValue } from './lua/lua-state.js';
import type { LuaVm } from './lua-vm.js';

/**
 * Bytes of all scripts above which those that EVAL brought along, and nobody loaded, are forgotten, the ones used
 * longest ago first. Redis 7.2 keeps them all.
 */
const mostBytes = 16 * 1024 * 1024;
/** What a script takes beside its text: objects, its place in the table. An estimate, in bytes. */
const overheadBytes = 200;
const shaLength = 40;

/** A script that EVALSHA can call. */
export interface Script {
  /** 40 hexadecimal digits in lower case. */
  sha: string;
  /** The same as bytes. */
  digest: Buffer;
  body: Buffer;
  /** Without the `#!` line. */
  code: Buffer;
  /** Bits of ScriptFlag. */
  flags: number;
  /** Brought by EVAL only, so that it may be forgotten. */
  evictable: boolean;
  /** Where it is compiled, and the function there. */
  vm: LuaVm | undefined;
  compiled: KeptValue | undefined;
}

/**
 * Scripts by the SHA-1 of their text. Looked up by the digest's bytes, without making a string: 28 bits of it are the
 * key of a map, which is as good as unique.
 */
export class ScriptCache {
  private readonly buckets = new Map<number, Script[]>();
  /** Scripts that may be forgotten, the ones used longest ago in front. */
  private readonly evictable = new Set<Script>();
  private latest: Script | undefined;
  /** The one that `find` returned last: the next is likely to be the same. */
  private found: Script | undefined;
  private count = 0;
  private bytes = 0;

  get size(): number {
    return this.count;
  }

  /** Bytes that the scripts take outside of Lua. */
  get memory(): number {
    return this.bytes;
  }

  /** By its digest in hexadecimal, any case. */
  find(digest: Bytes): Script | undefined {
    if (digest.length !== shaLength) return undefined;
    const { found } = this;
    if (found !== undefined && equalBytes(found.digest, 0, digest.buffer, digest.start, shaLength))
      return found;
    const bucket = this.buckets.get(prefixOf(digest.buffer, digest.start));
    this.found = bucket?.find(({ sha }) => digest.is(sha));
    return this.found;
  }

  private findSha(sha: string): Script | undefined {
    return this.buckets.get(prefixOf(Buffer.from(sha, 'latin1'), 0))?.find((script) => script.sha === sha);
  }

  /**
   * The script with this text, which is kept from now on. Throws CommandError if its first line is wrong. The text is
   * copied.
   */
  add(text: Bytes, evictable: boolean): Script {
    const sha = shaOf(text.subarray());
    const known = this.findSha(sha);
    if (known !== undefined) {
      if (!evictable) this.keep(known);
      return known;
    }
    const body = text.copy().buffer;
    const script: Script = {
      sha,
      digest: Buffer.from(sha, 'latin1'),
      body,
      ...readScriptHeader(body),
      evictable,
      vm: undefined,
      compiled: undefined,
    };
    this.insert(script);
    if (evictable) this.admit(script);
    return script;
  }

  private insert(script: Script): void {
    const prefix = prefixOf(script.digest, 0);
    const bucket = this.buckets.get(prefix);
    if (bucket === undefined) this.buckets.set(prefix, [script]);
    else bucket.push(script);
    this.count++;
    this.bytes += script.body.length + overheadBytes;
  }

  /** It was loaded by name: it stays until SCRIPT FLUSH. */
  private keep(script: Script): void {
    script.evictable = false;
    this.evictable.delete(script);
  }

  private admit(script: Script): void {
    this.evictable.add(script);
    this.latest = script;
    for (const oldest of this.evictable) {
      if (this.bytes <= mostBytes || oldest === script) return;
      this.remove(oldest);
    }
  }

  /** A script ran: it is the last to be forgotten. */
  used(script: Script): void {
    if (!script.evictable || script === this.latest) return;
    this.evictable.delete(script);
    this.evictable.add(script);
    this.latest = script;
  }

  /** Forgets a script: it was evicted, or could not be compiled. */
  remove(script: Script): void {
    this.evictable.delete(script);
    if (this.found === script) this.found = undefined;
    const prefix = prefixOf(script.digest, 0);
    const rest = (this.buckets.get(prefix) ?? []).filter((each) => each !== script);
    if (rest.length > 0) this.buckets.set(prefix, rest);
    else this.buckets.delete(prefix);
    this.count--;
    this.bytes -= script.body.length + overheadBytes;
    if (script.vm !== undefined && !script.vm.lost) script.vm.lua.unref(script.compiled!.ref);
  }

  /** Forgets all scripts. Their machine is to be thrown away, too. */
  clear(): void {
    this.buckets.clear();
    this.evictable.clear();
    this.latest = this.found = undefined;
    this.count = this.bytes = 0;
  }
}

function shaOf(text: Buffer): string {
  return createHash('sha1').update(text).digest('hex');
}

/** The number that 7 hexadecimal digits make; nonsense of anything else. */
function prefixOf(buffer: Buffer, start: number): number {
  let prefix = 0;
  for (let i = start; i < start + 7; i++) {
    const byte = buffer[i];
    prefix = (prefix << 4) | (byte <= 0x39 ? byte & 0xf : ((byte & 0xf) + 9) & 0xf);
  }
  return prefix;
}
