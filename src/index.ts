/**
 * Respite inside a Node process: a Redis-compatible server for tests, and for applications that want Redis to
 * be optional. Several servers in one process share nothing.
 *
 *   const server = await Respite.start();
 *   const redis = new Redis(server.url);
 *   ...
 *   await server.close();
 */
import { ManualClock, SystemClock } from './ambient/clock.js';
import { SeededRandom, unpredictableRandom } from './ambient/random.js';
import type { CommandSpec } from './commands/command.js';
import { Config, ConfigError, type Directives } from './config/config.js';
import { configFromText, pathFromConfig } from './config/files.js';
import { createLog } from './server/log.js';
import { RespiteServer } from './server/server.js';

export { ConfigError } from './config/config.js';
export { LoadError } from './server/load-error.js';
export { ListenError } from './server/tcp-listeners.js';

/** Any directive of redis.conf, by its name, and what only an embedded server has. */
export type RespiteOptions = Partial<Directives> & {
  /** `manual`: time stands still until `advanceTime`. Default `system`. */
  clock?: 'system' | 'manual';
  /** Makes everything that is left to chance repeatable, but for the ids of the server and of its history. */
  seed?: number;
  /** Commands of your own, beside the built-in ones. */
  commands?: CommandSpec[];
};

/**
 * An embedded server differs from the command line in these: any free port, this machine only, no log. And it reads and
 * writes no files by itself unless it is told where, with `dir`; SAVE without that writes to the working directory.
 */
const embeddedDefaults: Partial<Directives> = { port: 0, bind: ['127.0.0.1'], save: [], loglevel: 'nothing' };

export class Respite implements AsyncDisposable {
  private constructor(
    private readonly server: RespiteServer,
    private readonly manualClock: ManualClock | undefined,
  ) {}

  /**
   * Starts a server. Without `port` the operating system chooses one. Throws ConfigError for a directive that
   * cannot be, ListenError if the address or port is not to be had. With `dir` it loads the data set that is there;
   * throws LoadError if that cannot be read.
   */
  static async start(options: RespiteOptions = {}): Promise<Respite> {
    const { clock: clockKind, seed, commands, ...directives } = options;
    if (!['undefined', 'system', 'manual'].includes(String(clockKind)))
      throw new ConfigError(`clock: 'system' or 'manual' expected, not ${clockKind}`);
    if (seed !== undefined && typeof seed !== 'number')
      throw new ConfigError(`seed: number expected, not ${typeof seed}`);
    if (commands !== undefined && !Array.isArray(commands))
      throw new ConfigError(`commands: array expected, not ${typeof commands}`);
    const config = new Config();
    config.assign({ ...embeddedDefaults, ...(asConfiguration(directives) as Partial<Directives>) });
    const manualClock = clockKind === 'manual' ? new ManualClock() : undefined;
    const clock = manualClock ?? new SystemClock();
    const server = new RespiteServer({
      config,
      log: createLog({ ...logSettings(config), clock: () => clock.now() }),
      clock,
      random: seed === undefined ? unpredictableRandom() : new SeededRandom(seed),
      extraCommands: commands,
      keepsFiles: options.dir !== undefined,
      anyPort: options.port === undefined || options.port === 0,
    });
    const respite = new Respite(server, manualClock);
    server.onShutdown = () => void respite.close();
    try {
      await server.start();
    } catch (error) {
      await respite.close();
      throw error;
    }
    return respite;
  }

  /** Address that the server listens on. */
  get host(): string {
    return this.server.listeners.host;
  }

  /** TCP port that the server listens on. */
  get port(): number {
    return this.server.listeners.port;
  }

  /** `redis://host:port`, with the password if there is one. */
  get url(): string {
    const password = pathFromConfig(this.server.config.values.requirepass);
    const login = password === '' ? '' : `:${encodeURIComponent(password)}@`;
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return `redis://${login}${host}:${this.port}`;
  }

  /**
   * Removes all keys of all databases. Throws Error where FLUSHALL would be refused: on a replica that may only be
   * read, while a data set is loaded, while a script has stopped in its middle.
   */
  flush(): void {
    this.server.flushAll();
  }

  /**
   * Moves time forward: keys expire, blocked clients give up, notifications are sent, before this returns.
   * Throws Error unless started with `clock: 'manual'`, RangeError for a negative time and beyond the year 275760.
   */
  advanceTime(milliseconds: number): void {
    if (this.manualClock === undefined)
      throw new Error("advanceTime needs Respite.start({ clock: 'manual' })");
    this.manualClock.advance(milliseconds);
    this.server.afterTimePassed();
  }

  /**
   * Ends all connections and stops listening; leaves no open handle, and gives the data's memory back. May be called
   * twice.
   */
  async close(): Promise<void> {
    await this.server.close();
    // Else it would count as in use until the engine collects garbage, which it then does for every other server.
    this.server.keyspace.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Options are text; a configuration is bytes, each as a character. */
function asConfiguration(option: unknown): unknown {
  if (typeof option === 'string') return configFromText(option);
  if (Array.isArray(option)) return option.map(asConfiguration);
  if (typeof option !== 'object' || option === null || Object.getPrototypeOf(option) !== Object.prototype)
    return option;
  return Object.fromEntries(Object.entries(option).map(([name, value]) => [name, asConfiguration(value)]));
}

function logSettings(config: Config) {
  const { values } = config;
  return {
    level: values.loglevel,
    format: values['log-format'],
    file: pathFromConfig(values.logfile),
    pid: process.pid,
    role: 'M' as const,
  };
}
