import { directive } from '../directive.js';
import { ConfigError } from '../errors.js';
import { INT_MAX, integer, LONG_MAX, memory, oneOf, text, yesNo } from '../kinds.js';

function checkHostname(name: string): void {
  if (name.length >= 256) throw new ConfigError('Hostnames must be less than 256 characters');
  if (/[^a-z0-9.-]/i.test(name))
    throw new ConfigError('Hostnames may only contain alphanumeric characters, hyphens or dots');
}

function checkNodeName(name: string): void {
  if (!/^[a-z0-9._-]*$/i.test(name))
    throw new ConfigError('Announced human node name contained invalid character');
}

const noCluster = 'This server is no node of a cluster.';

export const cluster = {
  'cluster-enabled': directive(yesNo, false, 'Be a node of a cluster.', {
    immutable: true,
    inert: noCluster,
    reliedOn: true,
  }),
  'cluster-config-file': directive(
    text('<path>'),
    'nodes.conf',
    'File in which the node keeps what it knows of the cluster; written by the server only.',
    { immutable: true, inert: noCluster },
  ),
  'cluster-node-timeout': directive(
    integer(0, LONG_MAX),
    15000,
    'Milliseconds of silence after which a node is taken for dead.',
    { inert: noCluster },
  ),
  'cluster-port': directive(
    integer(0, 65535),
    0,
    'Port for the other nodes; 0 for 10000 above the port for clients.',
    { immutable: true, inert: noCluster },
  ),
  'cluster-replica-validity-factor': directive(
    integer(0, INT_MAX),
    10,
    'Node timeouts without its master after which a replica does not stand for election; 0 for always.',
    { alias: 'cluster-slave-validity-factor', inert: noCluster },
  ),
  'cluster-migration-barrier': directive(
    integer(0, INT_MAX),
    1,
    'Replicas that a master keeps before one of them goes to a master without.',
    { inert: noCluster },
  ),
  'cluster-allow-replica-migration': directive(
    yesNo,
    true,
    'Let replicas change their master by themselves.',
    { inert: noCluster },
  ),
  'cluster-require-full-coverage': directive(
    yesNo,
    true,
    'Refuse all requests while some slots are served by nobody.',
    { inert: noCluster },
  ),
  'cluster-replica-no-failover': directive(yesNo, false, 'Never take over from the master by itself.', {
    alias: 'cluster-slave-no-failover',
    inert: noCluster,
  }),
  'cluster-allow-reads-when-down': directive(yesNo, false, 'Serve reads while the cluster is down.', {
    inert: noCluster,
  }),
  'cluster-allow-pubsubshard-when-down': directive(
    yesNo,
    true,
    'Serve shard channels while the cluster is down.',
    { inert: noCluster },
  ),
  'cluster-link-sendbuf-limit': directive(
    memory(0, LONG_MAX),
    0,
    'Bytes waiting to be sent to a node that end the link; 0 for no limit.',
    { inert: noCluster },
  ),
  'cluster-ping-interval': directive(
    integer(1, INT_MAX),
    1000,
    'Milliseconds between pings to other nodes.',
    { hidden: true, inert: noCluster },
  ),
  'cluster-announce-hostname': directive(
    text('<name>', checkHostname),
    '',
    'Host name that the other nodes tell to clients.',
    { inert: noCluster },
  ),
  'cluster-announce-human-nodename': directive(
    text('<name>', checkNodeName),
    '',
    'Name of this node in the logs of the others.',
    { inert: noCluster },
  ),
  'cluster-preferred-endpoint-type': directive(
    oneOf(['ip', 'hostname', 'unknown-endpoint']),
    'ip',
    'How redirections name a node.',
    { inert: noCluster },
  ),
};

export const clusterNat = {
  'cluster-announce-ip': directive(text('<address>'), '', 'Address that the other nodes are told.', {
    inert: noCluster,
  }),
  'cluster-announce-tls-port': directive(
    integer(0, 65535),
    0,
    'TLS port that the other nodes are told; 0 for the real one.',
    { inert: noCluster },
  ),
  'cluster-announce-port': directive(
    integer(0, 65535),
    0,
    'Port that the other nodes are told; 0 for the real one.',
    { inert: noCluster },
  ),
  'cluster-announce-bus-port': directive(
    integer(0, 65535),
    0,
    'Port between nodes that the other nodes are told; 0 for the real one.',
    { inert: noCluster },
  ),
};
