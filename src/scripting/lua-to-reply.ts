import { Bytes } from '../bytes/bytes.js';
import { formatDouble } from '../bytes/doubles.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { LuaType } from './lua/exports.js';
import type { LuaState } from './lua/lua-state.js';

/** What a double beyond the range of a 64-bit integer becomes, as on x86. */
const outOfRange = -(2n ** 63n);
/** Tables in tables are written by recursion; a table may even contain itself. */
const deepestTable = 1000;
/**
 * A table may be in another one twice, so that a small script returns more than there are atoms. Beyond so many values,
 * bytes, or tables, more than its memory could hold one by one, the reply is given up.
 */
const mostValues = 2 ** 25;
const mostBytes = 2 ** 30;
/** Beside as many as there could be different ones. */
const mostTablesAgain = 2 ** 18;
const leastTableBytes = 32;

/** Fields of tables that are looked at. */
export const replyFields = [
  'err',
  'ignore_error_stats_update',
  'ok',
  'double',
  'map',
  'set',
  'big_number',
  'verbatim_string',
  'format',
  'string',
] as const;
type ReplyField = (typeof replyFields)[number];

/**
 * Replies with a Lua value. A table is an array up to its first nil, unless it has one of the fields err, ok, double,
 * map, set, big_number, verbatim_string; metatables are not asked.
 */
export class LuaToReply {
  private readonly view = new Bytes();
  private depth = 0;
  /** So many values may follow. */
  private left = 0;
  private tables = 0;
  /** The last reply was an error that had been counted when it happened. */
  countedError = false;

  /**
   * Writes the value on top of the stack, which is popped.
   *
   * @param scriptProtocol the protocol that the script chose: with 2 booleans are numbers
   */
  write(lua: LuaState, reply: ReplyWriter, scriptProtocol: 2 | 3): void {
    this.left = mostValues;
    this.tables = 0;
    this.value(lua, reply, scriptProtocol);
  }

  private value(lua: LuaState, reply: ReplyWriter, scriptProtocol: 2 | 3): void {
    const { view } = this;
    if (--this.left < 0 || reply.size > mostBytes) return this.giveUp(lua, reply);
    switch (lua.type(-1)) {
      case LuaType.string:
        lua.toBytes(-1, view);
        reply.bytes(view);
        break;
      case LuaType.number:
        writeInteger(lua.toNumber(-1), reply);
        break;
      case LuaType.boolean:
        writeBoolean(lua.toBoolean(-1), reply, scriptProtocol);
        break;
      case LuaType.table:
        return this.table(lua, reply, scriptProtocol);
      default:
        reply.null();
    }
    lua.pop();
  }

  private table(lua: LuaState, reply: ReplyWriter, scriptProtocol: 2 | 3): void {
    if (this.depth >= deepestTable || !lua.checkStack(8)) {
      reply.error('ERR reached lua stack limit');
      return lua.pop();
    }
    if (++this.tables >= mostTablesAgain && this.tables > mostTablesAgain + lua.usedBytes / leastTableBytes)
      return this.giveUp(lua, reply);
    this.depth++;
    const special =
      this.error(lua, reply) ||
      this.status(lua, reply) ||
      this.double(lua, reply) ||
      this.map(lua, reply, scriptProtocol) ||
      this.set(lua, reply, scriptProtocol) ||
      this.bigNumber(lua, reply) ||
      this.verbatim(lua, reply);
    if (!special) this.array(lua, reply, scriptProtocol);
    this.depth--;
    lua.pop();
  }

  private giveUp(lua: LuaState, reply: ReplyWriter): void {
    if (!reply.overflowed) reply.abandon();
    this.left = 0;
    lua.pop();
  }

  /** Pushes a field of the table on top of the stack if it is of a type; pushes nothing and returns false if not. */
  private field(lua: LuaState, name: ReplyField, type: number): boolean {
    lua.pushLatin1(name);
    lua.rawGet(-2);
    if (lua.type(-1) === type) return true;
    lua.pop();
    return false;
  }

  private text(lua: LuaState): string {
    const text = lua.toLatin1(-1) ?? '';
    lua.pop();
    return text;
  }

  private error(lua: LuaState, reply: ReplyWriter): boolean {
    if (!this.field(lua, 'err', LuaType.string)) return false;
    const text = this.text(lua);
    lua.pushLatin1('ignore_error_stats_update');
    lua.rawGet(-2);
    this.countedError = lua.toBoolean(-1);
    lua.pop();
    reply.error(text);
    return true;
  }

  private status(lua: LuaState, reply: ReplyWriter): boolean {
    if (!this.field(lua, 'ok', LuaType.string)) return false;
    reply.simple(this.text(lua).replace(/[\r\n]/g, ' '));
    return true;
  }

  private double(lua: LuaState, reply: ReplyWriter): boolean {
    if (!this.field(lua, 'double', LuaType.number)) return false;
    reply.double(formatDouble(lua.toNumber(-1)));
    lua.pop();
    return true;
  }

  private map(lua: LuaState, reply: ReplyWriter, scriptProtocol: 2 | 3): boolean {
    if (!this.field(lua, 'map', LuaType.table)) return false;
    reply.map(countPairs(lua));
    lua.pushNil();
    while (lua.next(-2)) {
      lua.pushValue(-2);
      this.value(lua, reply, scriptProtocol);
      this.value(lua, reply, scriptProtocol);
    }
    lua.pop();
    return true;
  }

  private set(lua: LuaState, reply: ReplyWriter, scriptProtocol: 2 | 3): boolean {
    if (!this.field(lua, 'set', LuaType.table)) return false;
    reply.set(countPairs(lua));
    lua.pushNil();
    while (lua.next(-2)) {
      lua.pop();
      lua.pushValue(-1);
      this.value(lua, reply, scriptProtocol);
    }
    lua.pop();
    return true;
  }

  private bigNumber(lua: LuaState, reply: ReplyWriter): boolean {
    if (!this.field(lua, 'big_number', LuaType.string)) return false;
    reply.bigNumber(this.text(lua).replace(/[\r\n]/g, ' '));
    return true;
  }

  private verbatim(lua: LuaState, reply: ReplyWriter): boolean {
    if (!this.field(lua, 'verbatim_string', LuaType.table)) return false;
    if (!this.field(lua, 'format', LuaType.string)) return this.dropped(lua);
    const format = this.text(lua);
    if (!this.field(lua, 'string', LuaType.string)) return this.dropped(lua);
    const text = Buffer.from(this.text(lua), 'latin1');
    reply.verbatimBytes(format.padEnd(3).slice(0, 3), text);
    lua.pop();
    return true;
  }

  private dropped(lua: LuaState): false {
    lua.pop();
    return false;
  }

  private array(lua: LuaState, reply: ReplyWriter, scriptProtocol: 2 | 3): void {
    const length = arrayLength(lua);
    reply.array(length);
    for (let i = 1; i <= length && this.left > 0; i++) {
      lua.rawGetI(-1, i);
      this.value(lua, reply, scriptProtocol);
    }
  }
}

/** Number of elements before the first nil of the table on top of the stack. */
function arrayLength(lua: LuaState): number {
  for (let length = 0; ; length++) {
    lua.rawGetI(-1, length + 1);
    const ends = lua.isNoneOrNil(-1);
    lua.pop();
    if (ends) return length;
  }
}

function countPairs(lua: LuaState): number {
  let count = 0;
  lua.pushNil();
  while (lua.next(-2)) {
    lua.pop();
    count++;
  }
  return count;
}

function writeInteger(n: number, reply: ReplyWriter): void {
  const whole = Math.trunc(n);
  if (Number.isSafeInteger(whole)) reply.integer(whole);
  else if (Math.abs(whole) < 2 ** 63) reply.bigint(BigInt(whole));
  else reply.bigint(outOfRange);
}

function writeBoolean(value: boolean, reply: ReplyWriter, scriptProtocol: 2 | 3): void {
  if (scriptProtocol === 3) reply.boolean(value);
  else if (value) reply.integer(1);
  else reply.null();
}
