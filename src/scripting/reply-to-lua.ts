import type { Bytes } from '../bytes/bytes.js';
import {
  arrayMark,
  attributeMark,
  bigNumberMark,
  booleanMark,
  bulkMark,
  carriageReturn,
  doubleMark,
  errorMark,
  integerMark,
  lineFeed,
  mapMark,
  minus,
  nullMark,
  setMark,
  simpleMark,
  verbatimMark,
  zero,
} from '../protocol/resp-bytes.js';
import type { LuaState } from './lua/lua-state.js';

/**
 * Pushes a reply as Lua values, straight from its bytes:
 *
 * | RESP2 | Lua | | RESP3 | Lua |
 * |---|---|---|---|---|
 * | integer | number | | double | `{double=number}` |
 * | bulk | string | | map | `{map=table}` |
 * | null | false | | set | `{set={element=true, ...}}` |
 * | status | `{ok=text}` | | null | nil |
 * | error | `{err=text}` | | boolean | boolean |
 * | array | table | | big number | `{big_number=digits}` |
 * | | | | verbatim | `{verbatim_string={format=, string=}}` |
 *
 * Attributes are skipped. Hot: an integer or a bulk allocates nothing in JavaScript.
 */
export class ReplyToLua {
  private buffer: Buffer = Buffer.alloc(0);
  private at = 0;

  constructor(private readonly lua: LuaState) {}

  /** The reply must be a whole one; it is what our own writer wrote. */
  push(reply: Bytes): void {
    this.buffer = reply.buffer;
    this.at = reply.start;
    this.value();
  }

  private value(): void {
    const { lua } = this;
    const type = this.buffer[this.at++];
    switch (type) {
      case bulkMark:
        return this.bulk();
      case integerMark:
        return lua.pushNumber(this.number());
      case simpleMark:
        return this.tagged('ok');
      case errorMark:
        return this.error();
      case arrayMark:
        return this.array();
      case mapMark:
        return this.map();
      case setMark:
        return this.set();
      case nullMark:
        this.line();
        return lua.pushNil();
      case booleanMark:
        return lua.pushBoolean(this.line() === 't');
      case doubleMark:
        return this.double();
      case bigNumberMark:
        return this.tagged('big_number');
      case verbatimMark:
        return this.verbatim();
      case attributeMark:
        return this.attribute();
      default:
        throw new Error(`a reply of unknown type ${type}`);
    }
  }

  /** A decimal number up to the end of the line. */
  private number(): number {
    const { buffer } = this;
    let { at } = this;
    const start = at;
    const negative = buffer[at] === minus;
    if (negative) at++;
    let n = 0;
    for (let byte = buffer[at]; byte !== carriageReturn; byte = buffer[++at]) n = n * 10 + byte - zero;
    this.at = at + 2;
    if (at - start > 15) return Number(buffer.toString('latin1', start, at));
    return negative ? -n : n;
  }

  private line(): string {
    const { at } = this;
    const end = this.buffer.indexOf(lineFeed, at);
    this.at = end + 1;
    return this.buffer.toString('latin1', at, end - 1);
  }

  private bulk(): void {
    const length = this.number();
    if (length < 0) return this.lua.pushBoolean(false);
    this.lua.pushBytes(this.buffer, this.at, this.at + length);
    this.at += length + 2;
  }

  private tagged(field: 'ok' | 'big_number'): void {
    const { lua } = this;
    const text = this.line();
    lua.createTable(0, 1);
    lua.pushLatin1(text);
    lua.setField(-2, field);
  }

  /** It was counted when the command failed, so whoever passes it on need not count it again. */
  private error(): void {
    const { lua } = this;
    const text = this.line();
    lua.createTable(0, 2);
    lua.pushLatin1(text);
    lua.setField(-2, 'err');
    lua.pushBoolean(true);
    lua.setField(-2, 'ignore_error_stats_update');
  }

  private array(): void {
    const length = this.number();
    const { lua } = this;
    if (length < 0) return lua.pushBoolean(false);
    lua.ensureStack(4);
    lua.createTable(length, 0);
    for (let i = 1; i <= length; i++) {
      this.value();
      lua.rawSetI(-2, i);
    }
  }

  private map(): void {
    const { lua } = this;
    const pairs = this.number();
    lua.ensureStack(6);
    lua.createTable(0, 1);
    lua.createTable(0, pairs);
    for (let i = 0; i < pairs; i++) {
      this.value();
      this.value();
      lua.rawSet(-3);
    }
    lua.setField(-2, 'map');
  }

  private set(): void {
    const { lua } = this;
    const length = this.number();
    lua.ensureStack(6);
    lua.createTable(0, 1);
    lua.createTable(0, length);
    for (let i = 0; i < length; i++) {
      this.value();
      lua.pushBoolean(true);
      lua.rawSet(-3);
    }
    lua.setField(-2, 'set');
  }

  private double(): void {
    const { lua } = this;
    const n = toNumber(this.line());
    lua.createTable(0, 1);
    lua.pushNumber(n);
    lua.setField(-2, 'double');
  }

  private verbatim(): void {
    const { lua } = this;
    const length = this.number();
    const { at } = this;
    lua.createTable(0, 1);
    lua.createTable(0, 2);
    lua.pushBytes(this.buffer, at, at + 3);
    lua.setField(-2, 'format');
    lua.pushBytes(this.buffer, at + 4, at + length);
    lua.setField(-2, 'string');
    lua.setField(-2, 'verbatim_string');
    this.at = at + length + 2;
  }

  private attribute(): void {
    const { lua } = this;
    for (let rest = this.number() * 2; rest > 0; rest--) {
      this.value();
      lua.pop();
    }
    this.value();
  }
}

function toNumber(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}
