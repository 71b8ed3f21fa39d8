import { directive } from '../directive.js';
import { INT_MAX, integer, octal, oneOf, text, UINT_MAX, wordList, yesNo } from '../kinds.js';

export const network = {
  bind: directive(
    wordList('<address> ...', 16, 'Too many bind addresses specified.'),
    ['*', '-::*'],
    'Addresses to listen on; * is every IPv4 and ::* every IPv6 address. One with - in front may be missing.',
  ),
  'bind-source-addr': directive(text('<address>'), '', 'Local address of connections to other servers.'),
  'protected-mode': directive(
    yesNo,
    true,
    'While no password is set, refuse clients that come from another machine.',
  ),
  'enable-protected-configs': directive(
    oneOf(['no', 'yes', 'local']),
    'no',
    'Who may change directives such as dir with CONFIG SET: nobody, everybody, local connections.',
    { immutable: true },
  ),
  'enable-debug-command': directive(
    oneOf(['no', 'yes', 'local']),
    'no',
    'Who may use the DEBUG command: nobody, everybody, local connections.',
    { immutable: true },
  ),
  'enable-module-command': directive(
    oneOf(['no', 'yes', 'local']),
    'no',
    'Who may use the MODULE command: nobody, everybody, local connections.',
    { immutable: true },
  ),
  port: directive(integer(0, 65535), 6379, 'TCP port to listen on; 0 for no TCP.'),
  'tcp-backlog': directive(
    integer(0, INT_MAX),
    511,
    'Length of the queue of connections that the system has accepted and the server has not.',
    { immutable: true },
  ),
  unixsocket: directive(
    text('<path>'),
    '',
    'Path of a unix socket to listen on; on Windows the name of a named pipe.',
    { immutable: true },
  ),
  unixsocketperm: directive(
    octal(0o777),
    0,
    'Mode of the unix socket, in octal; 0 leaves what the umask gives.',
    { immutable: true },
  ),
  timeout: directive(
    integer(0, INT_MAX),
    0,
    'Disconnect clients that were silent for this many seconds; 0 for never.',
  ),
  'request-coalescing': directive(
    yesNo,
    true,
    'Respite only, on Linux. Let requests gather for 0.1 ms at a time while many clients keep the server busy one by one, if that pays.',
  ),
  'tcp-keepalive': directive(
    integer(0, INT_MAX),
    300,
    'Seconds of silence after which the system probes whether the peer is still there; 0 for never.',
  ),
  'socket-mark-id': directive(integer(0, UINT_MAX), 0, 'Mark of listening sockets for packet filters.', {
    immutable: true,
    inert: 'Node cannot set the SO_MARK option of a socket.',
  }),
};
