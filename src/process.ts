import { spawn } from 'node:child_process';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { type Clock, SystemClock } from './ambient/clock.js';
import { FileCheck } from './check/check-file.js';
import { joinConfiguration, parseCommandLine } from './command-line.js';
import { redisVersion, type ShutdownRequest } from './commands/server-api.js';
import { Config, ConfigError, fatalConfigText } from './config/config.js';
import { configFromText, pathFromConfig, systemErrorText } from './config/files.js';
import { reportCrash } from './server/crash-report.js';
import { LoadError } from './server/load-error.js';
import { createLog, type ServerLog } from './server/log.js';
import { logo } from './server/logo.js';
import { OomScore } from './server/oom-score.js';
import { RespiteServer } from './server/server.js';
import { notifyServiceManager } from './server/service-manager.js';
import { ListenError } from './server/tcp-listeners.js';
import { respiteVersion } from './server/version.js';

/** Set for the process that `daemonize yes` starts in the background. */
const daemonMark = 'RESPITE_DAEMON';

/**
 * Runs a server as a process of its own: command line, configuration, log, signals. Does not return before it
 * listens. False if the command line asks for something else than a server here.
 */
export async function run(args: readonly string[]): Promise<boolean> {
  const commandLine = parseCommandLine(args, respiteVersion);
  if (commandLine.kind === 'print') {
    process.stdout.write(commandLine.output);
    return false;
  }
  if (commandLine.kind === 'refuse') {
    process.stderr.write(commandLine.message);
    process.exitCode = 1;
    return false;
  }
  if (commandLine.kind === 'check') {
    const check = new FileCheck((line) => process.stdout.write(`${line}\n`), commandLine.fix);
    if (!check.check(commandLine.file)) process.exitCode = 1;
    return false;
  }
  const stdin = commandLine.readStdin ? readFileSync(0, 'latin1') : '';
  const directory = process.cwd();
  const config = configure(commandLine.configFile, stdin, commandLine.overrides);
  if (config.values.daemonize && process.env[daemonMark] === undefined) {
    daemonize(args, stdin, directory);
    return false;
  }
  await serve(config, importPath(commandLine.importFrom, directory));
  return true;
}

/** The working directory has changed since the path was given. */
function importPath(path: string | undefined, directory: string): string | undefined {
  return path === undefined ? undefined : resolve(directory, path);
}

/** Reads the whole configuration, or ends the process with Redis's message on stderr. */
function configure(file: string | undefined, stdin: string, overrides: string): Config {
  const config = new Config();
  try {
    const text = file === undefined ? '' : readConfigFile(file);
    config.load(joinConfiguration(text, stdin, overrides), file === undefined ? '' : configFromText(file));
    if (file !== undefined) config.file = resolve(file);
    process.chdir(pathFromConfig(config.values.dir));
    return config;
  } catch (error) {
    process.stderr.write(
      error instanceof ConfigError ? fatalConfigText(error) : `${systemErrorText(error)}\n`,
    );
    process.exit(1);
  }
}

/** What the configuration asks of commands shows only now. */
function newServer(options: ConstructorParameters<typeof RespiteServer>[0]): RespiteServer {
  try {
    return new RespiteServer(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(fatalConfigText(error));
    process.exit(1);
  }
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    process.stderr.write(
      `Fatal error, can't open config file '${resolve(path)}': ${systemErrorText(error)}\n`,
    );
    process.exit(1);
  }
}

/**
 * Node cannot fork, so the background process is a new one with the same arguments, in the directory where
 * this one was started: relative paths among them start there.
 */
function daemonize(args: readonly string[], stdin: string, directory: string): void {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1], ...args], {
    cwd: directory,
    detached: true,
    stdio: [stdin === '' ? 'ignore' : 'pipe', 'ignore', 'ignore'],
    env: { ...process.env, [daemonMark]: '1' },
  });
  child.stdin?.end(stdin, 'latin1');
  child.unref();
}

async function serve(config: Config, importFrom: string | undefined): Promise<void> {
  const { values } = config;
  const clock = new SystemClock();
  const log = openLog(config, clock);
  const server = newServer({ config, log, clock, importFrom, ownsThread: true });
  greet(config, log);
  const life = new Lifetime(server, config, log);
  const oomScore = new OomScore(config, log);
  server.replicaRole.onChanged = (isReplica) => {
    log.role = isReplica ? 'S' : 'M';
    oomScore.roleChanged(isReplica);
  };
  config.onChange('loglevel', (level) => {
    log.level = level;
  });
  config.onChange('log-format', (format) => {
    log.format = format;
  });
  config.onChange('logfile', (file) => {
    log.file = pathFromConfig(file);
  });
  config.onChange('dir', (dir) => changeDirectory(dir));
  life.watchSignals();
  server.keyspace.arena.prepare();
  try {
    await server.start();
  } catch (error) {
    if (!(error instanceof ListenError || error instanceof LoadError)) throw error;
    log.warning(error.message);
    process.exit(1);
  }
  const showTitle = () => {
    if (values['set-proc-title']) process.title = processTitle(server);
  };
  showTitle();
  config.onChange('proc-title-template', showTitle);
  writePidFile(config, log);
  notifyServiceManager(values.supervised, log);
}

function openLog(config: Config, clock: Clock): ServerLog {
  const { values } = config;
  try {
    return createLog({
      level: values.loglevel,
      format: values['log-format'],
      file: pathFromConfig(values.logfile),
      clock: () => clock.now(),
      pid: process.pid,
      role: 'M',
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}

function greet(config: Config, log: ServerLog): void {
  const { values } = config;
  log.notice('Respite is starting');
  log.notice(
    `Respite version=${respiteVersion}, compatible with Redis ${redisVersion}, bits=64, node=${process.version}, pid=${process.pid}, just started`,
  );
  if (config.file === undefined) {
    log.warning(
      'Warning: no config file specified, using the default config. See respite --help for directives.',
    );
  } else {
    log.notice(`Configuration loaded from ${config.file}`);
  }
  const toTerminal =
    values.logfile === '' && process.stdout.isTTY === true && values['log-format'] === 'redis';
  if (values['always-show-logo'] || toTerminal) log.raw(logo(values.port, process.pid));
  else log.notice(`Running on port ${values.port}, PID: ${process.pid}`);
  for (const { name, reason, reliedOn } of config.inertInUse()) {
    if (reliedOn) log.warning(`Warning: '${name}' has no effect yet: ${reason}`);
    else log.notice(`Directive '${name}' has no effect: ${reason}`);
  }
}

/** `dir` is the working directory: relative paths in the configuration start there. */
function changeDirectory(dir: string): void {
  try {
    process.chdir(pathFromConfig(dir));
  } catch (error) {
    throw new ConfigError(systemErrorText(error));
  }
}

function processTitle(server: RespiteServer): string {
  const { values } = server.config;
  const address =
    values.port === 0
      ? pathFromConfig(values.unixsocket)
      : `${values.bind[0] ?? '*'}:${server.listeners.port}`;
  const fields: Record<string, string> = {
    title: 'respite',
    'listen-addr': address,
    'server-mode': '',
    port: String(server.listeners.port),
    'tls-port': String(server.listeners.tlsPort),
    unixsocket: pathFromConfig(values.unixsocket),
    'config-file': server.config.file ?? '',
  };
  return values['proc-title-template']
    .replace(/\{([a-z-]+)\}/g, (_, name: string) => fields[name] ?? '')
    .trim();
}

function writePidFile(config: Config, log: ServerLog): void {
  const path = pidFile(config);
  if (path === undefined) return;
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    log.warning(`Failed to write PID file: ${systemErrorText(error)}`);
  }
}

function pidFile(config: Config): string | undefined {
  const { pidfile, daemonize: background } = config.values;
  if (pidfile !== '') return pathFromConfig(pidfile);
  return background ? '/var/run/redis.pid' : undefined;
}

/** How the process ends: by SHUTDOWN or a signal, cleanly once, at once when asked again. */
class Lifetime {
  private ending = false;

  constructor(
    private readonly server: RespiteServer,
    private readonly config: Config,
    private readonly log: ServerLog,
  ) {
    server.onShutdown = () => void this.end();
  }

  watchSignals(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        const { ending } = this.server;
        if (this.ending || (signal === 'SIGINT' && ending.isUnderWay)) return void this.endAtOnce();
        this.log.warning(`Received ${signal} scheduling shutdown...`);
        ending.soon(this.requestOf(signal === 'SIGTERM' ? 'shutdown-on-sigterm' : 'shutdown-on-sigint'));
      });
    }
    // On Windows a console that is closed ends the process some seconds later, whatever it does. Elsewhere: main.ts.
    if (process.platform === 'win32')
      process.on('SIGHUP', () => this.server.ending.soon(this.requestOf('shutdown-on-sigterm')));
    // Of the signals that tell of a crash, Node can hand this one to JavaScript and still end by it.
    process.on('SIGABRT', () => this.crash('SIGABRT'));
    this.server.crash = () => this.crash('SIGSEGV');
    process.on('uncaughtException', (error) => {
      // A defect of ours outside any command. The data is whole, so clients are better served by going on.
      this.log.warning(`Internal error: ${error.stack ?? error.message}`);
    });
  }

  /** Reports to the log, and lets the signal do what it does by default. */
  private crash(signal: 'SIGABRT' | 'SIGSEGV'): void {
    reportCrash(this.server, signal, constants.signals[signal]);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }

  private requestOf(directive: 'shutdown-on-sigterm' | 'shutdown-on-sigint'): ShutdownRequest {
    const options = this.config.values[directive];
    const save = options.includes('nosave') ? 'nosave' : options.includes('save') ? 'save' : 'default';
    return { save, now: options.includes('now'), force: options.includes('force') };
  }

  private async endAtOnce(): Promise<void> {
    this.log.warning('You insist... exiting now.');
    await this.server.ending.insist();
    process.exit(1);
  }

  private async end(): Promise<void> {
    if (this.ending) return;
    this.ending = true;
    await this.server.close();
    this.removePidFile();
    this.log.warning('Respite is now ready to exit, bye bye...');
    process.exit(0);
  }

  private removePidFile(): void {
    const path = pidFile(this.config);
    if (path === undefined) return;
    this.log.notice('Removing the pid file.');
    try {
      unlinkSync(path);
    } catch {
      // It could not be written either, or somebody removed it: nothing is left to do.
    }
  }
}
