import { createHash } from 'node:crypto';
import { Bytes } from '../bytes/bytes.js';
import { formatDouble } from '../bytes/doubles.js';
import { LuaType } from './lua/exports.js';
import type { HostFunction, LuaState } from './lua/lua-state.js';
import { ReplyToLua } from './reply-to-lua.js';
import { type LogLevel, logLevels, ReplicationTarget, type ScriptHost } from './script-host.js';

const none = Buffer.alloc(0);
/** Fewer arguments than this reuse their views. */
const keptArguments = 1024;

const notCallable = 'ERR Lua redis lib command arguments must be strings or integers';
const noArguments = 'ERR Please specify at least one argument for this redis lib call';
const wrongTypes = 'ERR wrong number or type of arguments';

/** The version as scripts see it: `7.2.4`, and three bytes of a number. */
export interface ServerVersion {
  text: string;
  number: number;
}

/**
 * The `redis` table of scripts: what they can do to the server that runs them.
 *
 * Hot: `redis.call` hands the command its arguments as views of Lua's memory, where they stay, and turns the reply's
 * bytes into Lua values. Nothing is copied in between.
 */
export class RedisLibrary {
  private readonly args: Bytes[] = [];
  private readonly replies: ReplyToLua;

  constructor(
    private readonly lua: LuaState,
    private readonly host: ScriptHost,
    private readonly version: ServerVersion,
  ) {
    this.replies = new ReplyToLua(lua);
  }

  /** Pushes the table. `forEval`: with the functions that only make sense there. */
  open(forEval: boolean): void {
    const { lua } = this;
    lua.createTable(0, 24);
    this.openCommon();
    lua.setFunction('call', () => this.call(true));
    lua.setFunction('pcall', () => this.call(false));
    lua.setFunction('sha1hex', (lua) => this.sha1hex(lua));
    lua.setFunction('error_reply', (lua) => singleField(lua, 'err'));
    lua.setFunction('status_reply', (lua) => singleField(lua, 'ok'));
    lua.setFunction('setresp', (lua) => this.setProtocol(lua));
    lua.setFunction('set_repl', (lua) => this.setPropagation(lua));
    lua.setFunction('acl_check_cmd', (lua) => this.checkPermission(lua));
    this.setNumbers({
      REPL_NONE: ReplicationTarget.none,
      REPL_AOF: ReplicationTarget.appendOnlyFile,
      REPL_SLAVE: ReplicationTarget.replica,
      REPL_REPLICA: ReplicationTarget.replica,
      REPL_ALL: ReplicationTarget.all,
    });
    if (forEval) this.openForEval();
  }

  /** Sets the fields that exist also while a library is being loaded. */
  openCommon(): void {
    const { lua, version } = this;
    lua.setFunction('log', (lua) => this.log(lua));
    this.setNumbers({ LOG_DEBUG: 0, LOG_VERBOSE: 1, LOG_NOTICE: 2, LOG_WARNING: 3 });
    this.setNumbers({ REDIS_VERSION_NUM: version.number });
    lua.pushLatin1(version.text);
    lua.setField(-2, 'REDIS_VERSION');
  }

  private openForEval(): void {
    const { lua } = this;
    lua.setFunction('replicate_commands', (lua) => pushTrue(lua));
    lua.setFunction('breakpoint', (lua) => {
      lua.pushBoolean(false);
      return 1;
    });
    lua.setFunction('debug', () => 0);
  }

  private setNumbers(numbers: Record<string, number>): void {
    const { lua } = this;
    for (const [name, n] of Object.entries(numbers)) {
      lua.pushNumber(n);
      lua.setField(-2, name);
    }
  }

  private call(raises: boolean): number {
    const { lua } = this;
    const argc = lua.getTop();
    const problem = argc === 0 ? noArguments : this.readArguments(argc);
    if (problem !== undefined) return fail(lua, problem, raises);
    const reply = this.host.call(this.args, argc);
    if (argc > keptArguments) this.args.length = 0;
    lua.setTop(0);
    this.replies.push(reply);
    if (raises && reply.buffer[reply.start] === 0x2d) return lua.raise();
    return 1;
  }

  /** Makes views of all arguments. They are valid as long as nothing is allocated in Lua. */
  private readArguments(argc: number): string | undefined {
    const { lua, args } = this;
    for (let i = 1; i <= argc; i++) {
      const view = (args[i - 1] ??= new Bytes(none));
      const type = lua.type(i);
      if (type === LuaType.string) lua.toBytes(i, view);
      else if (type === LuaType.number) setNumber(view, lua.toNumber(i));
      else return notCallable;
    }
    return undefined;
  }

  private checkPermission(lua: LuaState): number {
    const argc = lua.getTop();
    const problem = argc === 0 ? noArguments : this.readArguments(argc);
    if (problem !== undefined) return fail(lua, problem, true);
    const permitted = this.host.permits(this.args, argc);
    if (permitted === undefined)
      return fail(lua, 'ERR Invalid command passed to redis.acl_check_cmd()', true);
    lua.pushBoolean(permitted);
    return 1;
  }

  private sha1hex(lua: LuaState): number {
    if (lua.getTop() !== 1) return fail(lua, 'ERR wrong number of arguments', true);
    const text = new Bytes(none);
    if (!lua.toBytes(1, text)) lua.pushLatin1(createHash('sha1').digest('hex'));
    else lua.pushLatin1(createHash('sha1').update(text.subarray()).digest('hex'));
    return 1;
  }

  private log(lua: LuaState): number {
    const argc = lua.getTop();
    if (argc < 2) return fail(lua, 'ERR redis.log() requires two arguments or more.', true);
    if (lua.type(1) !== LuaType.number)
      return fail(lua, 'ERR First argument must be a number (log level).', true);
    const level: LogLevel | undefined = logLevels[Math.trunc(lua.toNumber(1))];
    if (level === undefined) return fail(lua, 'ERR Invalid debug level.', true);
    const words: string[] = [];
    for (let i = 2; i <= argc; i++) {
      const word = lua.toLatin1(i);
      if (word !== undefined) words.push(word);
    }
    this.host.log(level, Buffer.from(words.join(' '), 'latin1').toString('utf8'));
    return 0;
  }

  private setProtocol(lua: LuaState): number {
    if (lua.getTop() !== 1) return fail(lua, 'ERR redis.setresp() requires one argument.', true);
    const version = Math.trunc(lua.toNumber(1));
    if (version !== 2 && version !== 3) return fail(lua, 'ERR RESP version must be 2 or 3.', true);
    this.host.setProtocol(version);
    return 0;
  }

  private setPropagation(lua: LuaState): number {
    if (lua.getTop() !== 1) return fail(lua, 'ERR redis.set_repl() requires two arguments.', true);
    const targets = Math.trunc(lua.toNumber(1));
    if (targets < ReplicationTarget.none || targets > ReplicationTarget.all) {
      return fail(
        lua,
        'ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.',
        true,
      );
    }
    this.host.setPropagation(targets);
    return 0;
  }
}

/** Pushes an error table, or raises it. */
function fail(lua: LuaState, text: string, raises: boolean): number {
  lua.createTable(0, 1);
  lua.pushLatin1(text);
  lua.setField(-2, 'err');
  return raises ? lua.raise() : 1;
}

/** Whole numbers are written in full: commands that want an integer read no exponents. */
function setNumber(view: Bytes, n: number): void {
  const text = formatDouble(n);
  view.buffer = Buffer.from(text, 'latin1');
  view.start = view.hash = 0;
  view.end = text.length;
}

/** `redis.error_reply(text)`: the code ERR is put before a text that has none, a dash before it goes. */
function singleField(lua: LuaState, field: 'err' | 'ok'): number {
  if (lua.getTop() !== 1 || lua.type(1) !== LuaType.string) return fail(lua, wrongTypes, false);
  const text = lua.toLatin1(1) ?? '';
  lua.createTable(0, 1);
  lua.pushLatin1(field === 'ok' ? text : errorText(text));
  lua.setField(-2, field);
  return 1;
}

function errorText(text: string): string {
  const error = text.startsWith('-') ? text.slice(1) : text;
  return error.includes(' ') ? error : `ERR ${error}`;
}

const pushTrue: HostFunction = (lua) => {
  lua.pushBoolean(true);
  return 1;
};
