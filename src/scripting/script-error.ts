import { LuaType } from './lua/exports.js';
import type { LuaState } from './lua/lua-state.js';
import { preludeSource } from './lua/prelude.js';

/** Only so many calls are looked through for the place of an error. */
const mostLevels = 10;

/** Why a script failed. */
export interface ScriptError {
  /** The reply, code first. */
  message: string;
  /** It is the error of a command, and was counted when that failed. */
  counted: boolean;
}

/** Reads the error on top of a failed thread's stack, and where in the script it happened. */
export function readError(lua: LuaState, scriptName: string): ScriptError {
  const where = place(lua);
  const { message, counted } = readValue(lua);
  const at = where === undefined ? '' : `, on ${where.source}:${where.line}.`;
  return { message: `${message} script: ${scriptName}${at}`, counted };
}

/** An error that does not come from the script's code, at the place where a thread stands. */
export function errorAt(lua: LuaState, scriptName: string, text: string): ScriptError {
  lua.pushLatin1(text);
  const error = readError(lua, scriptName);
  lua.pop();
  return error;
}

/** The innermost function of the script's own code: not a native one, nor one of the prelude. */
function place(lua: LuaState): { source: string; line: number } | undefined {
  for (let level = 0; level < mostLevels; level++) {
    const position = lua.position(level);
    if (position === undefined) return undefined;
    if (position.line >= 0 && position.source !== preludeSource) return position;
  }
  return undefined;
}

function readValue(lua: LuaState): ScriptError {
  if (lua.type(-1) !== LuaType.table) return { message: `ERR ${plainText(lua)}`, counted: false };
  lua.pushLatin1('err');
  lua.rawGet(-2);
  const message = lua.type(-1) === LuaType.string ? lua.toLatin1(-1) : undefined;
  lua.pop();
  lua.pushLatin1('ignore_error_stats_update');
  lua.rawGet(-2);
  const counted = lua.toBoolean(-1);
  lua.pop();
  return { message: message ?? 'ERR the script raised an error that is no text', counted };
}

function plainText(lua: LuaState): string {
  const text = lua.toLatin1(-1);
  if (text !== undefined) return text;
  if (lua.type(-1) === LuaType.boolean) return String(lua.toBoolean(-1));
  return lua.isNoneOrNil(-1) ? 'nil' : 'the script raised an error that is no text';
}
