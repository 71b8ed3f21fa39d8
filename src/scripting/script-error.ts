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

/** A place in the code of scripts. */
export interface Place {
  source: string;
  line: number;
}

/** Reads the error on top of a failed thread's stack, and where in the script it happened. */
export function readError(lua: LuaState, scriptName: string): ScriptError {
  const { message, counted } = readValue(lua);
  return { message: `${message}${describe(scriptName, placeOf(lua))}`, counted };
}

/** An error that does not come from the script's code, at a place where that stood. */
export function errorAt(text: string, scriptName: string, place: Place | undefined): ScriptError {
  return { message: `ERR ${text}${describe(scriptName, place)}`, counted: false };
}

function describe(scriptName: string, place: Place | undefined): string {
  const at = place === undefined ? '' : `, on ${place.source}:${place.line}.`;
  return ` script: ${scriptName}${at}`;
}

/** The innermost function of the script's own code: not a native one, nor one of the prelude. */
export function placeOf(lua: LuaState): Place | undefined {
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
