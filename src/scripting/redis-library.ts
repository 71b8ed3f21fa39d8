import { createHash } from 'node:crypto';
import { Bytes, copyBytes } from '../bytes/bytes.js';
import { bulkMark, carriageReturn, errorMark, minus, zero } from '../protocol/resp-bytes.js';
import { KnownNames } from './known-names.js';
import { LuaType } from './lua/exports.js';
import { type HostFunction, type LuaState, mostReturned } from './lua/lua-state.js';
import { ReplyToLua } from './reply-to-lua.js';
import { logLevels, ReplicationTarget, type ScriptHost, type ScriptLogLevel } from './script-host.js';

/** Whoever works on so many bytes looks at the time afterwards. */
const longString = 65536;
/** Fewer arguments than this reuse their views. */
const keptArguments = 1024;

/** In µs: see `ScriptHost.effort`. */
const effortPerLook = 1000;

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
  private readonly commands: KnownNames<unknown>;

  constructor(
    private readonly lua: LuaState,
    private readonly host: ScriptHost,
    private readonly version: ServerVersion,
  ) {
    this.replies = new ReplyToLua(lua);
    this.commands = new KnownNames(lua);
  }

  /** Pushes the table. `forEval`: with the functions that only make sense there. */
  open(forEval: boolean): void {
    const { lua } = this;
    lua.createTable(0, 24);
    this.openCommon();
    lua.setHostCall('call', (L) => this.call(L, true));
    lua.setHostCall('pcall', (L) => this.call(L, false));
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

  /** `redis.call` and `redis.pcall` themselves; returns what `LuaState.setHostCall` says. */
  private call(L: number, raises: boolean): number {
    const { lua, args } = this;
    const argc = lua.argumentsToBytes(L, args);
    if (argc <= 0) return this.refuse(L, argc, raises);
    const reply = this.host.call(this.commands.find(args[0]) ?? this.lookUp(L), args, argc);
    if (argc > keptArguments) args.length = 0;
    if (this.host.effort > effortPerLook) this.look(L);
    const length = bulkLength(reply);
    if (length >= 0 && length <= mostReturned) {
      copyBytes(lua.heap, lua.returnedString, reply.buffer, reply.end - length - 2, reply.end - 2);
      return -1 - length;
    }
    return this.push(L, reply, raises);
  }

  /** Finds the command for the first time. */
  private lookUp(L: number): unknown {
    const { lua, args } = this;
    const command = this.host.find(args[0]);
    if (command === undefined) return undefined;
    this.commands.learn(args[0], command, L, 1);
    lua.argumentsToBytes(L, args); // which may be elsewhere now
    return command;
  }

  /** Commands took long, and Lua's hook knows nothing of it. The reply is valid until afterwards. */
  private look(L: number): void {
    this.host.effort = 0;
    this.lua.module.watcher(L);
  }

  /** Pushes a reply that is no bulk. Acts as a host function. */
  private push(L: number, reply: Bytes, raises: boolean): number {
    const { lua } = this;
    const outer = lua.L;
    lua.L = L;
    try {
      lua.setTop(0);
      this.replies.push(reply);
      if (raises && reply.buffer[reply.start] === errorMark) return lua.raise();
      return 1;
    } finally {
      lua.L = outer;
    }
  }

  private refuse(L: number, argc: number, raises: boolean): number {
    const { lua } = this;
    const outer = lua.L;
    lua.L = L;
    try {
      return fail(lua, argc === 0 ? noArguments : notCallable, raises);
    } finally {
      lua.L = outer;
    }
  }

  private checkPermission(lua: LuaState): number {
    const argc = lua.argumentsToBytes(lua.L, this.args);
    if (argc <= 0) return this.refuse(lua.L, argc, true);
    const permitted = this.host.permits(this.args);
    if (permitted === undefined)
      return fail(lua, 'ERR Invalid command passed to redis.acl_check_cmd()', true);
    lua.pushBoolean(permitted);
    return 1;
  }

  private sha1hex(lua: LuaState): number {
    if (lua.getTop() !== 1) return fail(lua, 'ERR wrong number of arguments', true);
    const text = new Bytes();
    if (!lua.toBytes(1, text)) lua.pushLatin1(createHash('sha1').digest('hex'));
    else lua.pushLatin1(createHash('sha1').update(text.subarray()).digest('hex'));
    if (text.length > longString) lua.module.watcher(lua.L);
    return 1;
  }

  private log(lua: LuaState): number {
    const argc = lua.getTop();
    if (argc < 2) return fail(lua, 'ERR redis.log() requires two arguments or more.', true);
    if (lua.type(1) !== LuaType.number)
      return fail(lua, 'ERR First argument must be a number (log level).', true);
    const level: ScriptLogLevel | undefined = logLevels[Math.trunc(lua.toNumber(1))];
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

/** Length of the string that a reply is, -1 if it is none. Hot. */
function bulkLength({ buffer, start, end }: Bytes): number {
  if (buffer[start] !== bulkMark || buffer[start + 1] === minus) return -1;
  let length = 0;
  for (let at = start + 1; at < end && buffer[at] !== carriageReturn; at++)
    length = length * 10 + buffer[at] - zero;
  return length;
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
