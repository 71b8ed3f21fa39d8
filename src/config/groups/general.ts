import { directive } from '../directive.js';
import { ConfigError } from '../errors.js';
import { INT_MAX, integer, oneOf, text, yesNo } from '../kinds.js';
import { repeated } from '../special-kinds.js';

const titleVariables = [
  'title',
  'listen-addr',
  'server-mode',
  'port',
  'tls-port',
  'unixsocket',
  'config-file',
];

function checkTitle(template: string): void {
  const literal = template.replace(/\{([^{}]*)\}/g, (whole, name: string) =>
    titleVariables.includes(name) ? '' : whole,
  );
  if (template === '' || literal.includes('{'))
    throw new ConfigError('template format is invalid or contains unknown variables');
}

const noAffinity = 'Node cannot bind threads to processors; use taskset or the service manager.';

export const general = {
  include: directive(
    repeated('<path>', { min: 1, max: 1 }),
    [],
    'Read another file at this place; * and ? in the path are expanded. Later lines win over earlier ones.',
    { fileOnly: true },
  ),
  loadmodule: directive(
    repeated('<path> [<argument> ...]', { min: 1, max: Infinity }),
    [],
    'Load a Redis module.',
    { fileOnly: true, inert: "Redis's modules are native libraries that need Redis's own process." },
  ),
  daemonize: directive(yesNo, false, 'Run in the background.', { immutable: true }),
  supervised: directive(
    oneOf(['upstart', 'systemd', 'auto', 'no']),
    'no',
    'Service manager to tell that the server is ready.',
    { immutable: true },
  ),
  pidfile: directive(text('<path>'), '', 'File to write the process id to.', { immutable: true }),
  loglevel: directive(
    oneOf(['debug', 'verbose', 'notice', 'warning', 'nothing']),
    'notice',
    'Least weight that a message needs to be logged.',
  ),
  'log-format': directive(
    oneOf(['redis', 'json']),
    'redis',
    "Respite only. Redis's log lines, or one JSON object a line for log pipelines.",
  ),
  logfile: directive(text('<path>'), '', 'File to append the log to; "" is the standard output.', {
    immutable: true,
  }),
  'syslog-enabled': directive(yesNo, false, 'Log to the system logger.', {
    immutable: true,
    inert: 'Node has no interface to syslog; systemd and container runtimes collect the standard output.',
  }),
  'syslog-ident': directive(text(), 'redis', 'Name of this server in the system log.', {
    immutable: true,
    inert: 'There is no logging to syslog.',
  }),
  'syslog-facility': directive(
    oneOf(['user', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7']),
    'local0',
    'Facility of messages to the system log.',
    { immutable: true, inert: 'There is no logging to syslog.' },
  ),
  'crash-log-enabled': directive(yesNo, true, 'Write a report to the log when SIGABRT ends the process.'),
  'crash-memcheck-enabled': directive(yesNo, true, 'Test the memory after a crash.', {
    inert: 'A JavaScript process cannot test the memory of the machine.',
  }),
  'use-exit-on-panic': directive(yesNo, false, 'Exit instead of aborting when an assertion fails.', {
    hidden: true,
    inert: 'A failed assertion is an exception here and always ends in an exit.',
  }),
  databases: directive(integer(1, INT_MAX), 16, 'Number of databases, chosen with SELECT.', {
    immutable: true,
  }),
  'always-show-logo': directive(yesNo, false, 'Show the logo also when the log is not a terminal.', {
    immutable: true,
  }),
  'set-proc-title': directive(yesNo, true, 'Show what the server is in the list of processes.', {
    immutable: true,
  }),
  'proc-title-template': directive(
    text('<template>', checkTitle),
    '{title} {listen-addr} {server-mode}',
    `Title of the process; it may contain ${titleVariables.map((name) => `{${name}}`).join(' ')}.`,
  ),
  'locale-collate': directive(text('<locale>'), '', 'Locale whose order SORT ALPHA follows.', {
    inert: 'Text is compared byte by byte.',
  }),
  'ignore-warnings': directive(text('<name> ...'), '', 'Start-up checks of the system to leave out.', {
    inert: 'Respite makes none of the checks that could be left out.',
  }),
  'watchdog-period': directive(
    integer(0, INT_MAX),
    0,
    'Log where the server is when it stalls this long (ms).',
    {
      hidden: true,
      inert: 'One thread cannot watch itself; use the inspector of Node.',
    },
  ),
  server_cpulist: directive(text('<list>'), '', 'Processors for the main thread.', {
    immutable: true,
    inert: noAffinity,
  }),
  bio_cpulist: directive(text('<list>'), '', 'Processors for background threads.', {
    immutable: true,
    inert: noAffinity,
  }),
  aof_rewrite_cpulist: directive(
    text('<list>'),
    '',
    'Processors for the rewriting of the append only file.',
    {
      immutable: true,
      inert: noAffinity,
    },
  ),
  bgsave_cpulist: directive(text('<list>'), '', 'Processors for the writing of snapshots.', {
    immutable: true,
    inert: noAffinity,
  }),
};
