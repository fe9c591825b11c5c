import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** What the environment says, read in one place. Options of the command line win over it. */
export interface Config {
  /** Absolute path of the home folder. */
  home: string
  temporal: {
    /** `host:port` of a running server; undefined means the embedded one. */
    address: string | undefined
    namespace: string
    taskQueue: string
    /** Path of a module whose default export is a payload codec, or several. */
    codec: string | undefined
  }
  worker: WorkerConfig
  api: { host: string; port: number }
  /** I/O threads of a worker. */
  ioThreads: number
  log: { level: LogLevel }
  /** Where downloaded and built programs are kept, outside home and repository. */
  cache: string
}

export interface WorkerConfig {
  /** How many activities, and how many workflow tasks, are carried out at once. */
  activitySlots: number
  workflowSlots: number
  /** How often a running activity reports at most. Well below what a silent one is given up after (`heartbeatTimeout`). */
  heartbeatMs: number
  /** `host:port` to be asked by Prometheus, or the URL of an OpenTelemetry collector to be told. */
  metrics: string | undefined
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

interface Variable {
  name: string
  meaning: string
  default: string
}

/** Every variable there is, for `--help` and the documentation. */
export const variables: readonly Variable[] = [
  {
    name: 'STEVEDORE_HOME',
    meaning: 'The folder that holds catalog, ledgers, key, logs and the embedded server’s database.',
    default: '.stevedore in the working directory',
  },
  {
    name: 'TEMPORAL_ADDRESS',
    meaning:
      'host:port of a Temporal server to use instead of the embedded one. TLS and API keys are read by the Temporal SDK from its own TEMPORAL_* variables.',
    default: 'none: a server is found or started',
  },
  { name: 'TEMPORAL_NAMESPACE', meaning: 'The Temporal namespace of jobs and executions.', default: 'stevedore' },
  {
    name: 'STEVEDORE_TASK_QUEUE',
    meaning: 'What the name of the task queue begins with that workers poll; each home adds its own id.',
    default: 'stevedore',
  },
  {
    name: 'STEVEDORE_PAYLOAD_CODEC',
    meaning:
      'Path of a module whose default export is a Temporal PayloadCodec, or several in an array: what goes into histories passes through it.',
    default: 'none',
  },
  {
    name: 'STEVEDORE_ACTIVITY_SLOTS',
    meaning: 'How many activities a worker carries out at once. Each lane of a running job takes one.',
    default: '40',
  },
  { name: 'STEVEDORE_WORKFLOW_SLOTS', meaning: 'How many workflow tasks a worker carries out at once.', default: '20' },
  {
    name: 'STEVEDORE_HEARTBEAT_MS',
    meaning:
      'How often a running activity reports to the server, 200 to 4000 ms. Rarer costs the server less; progress in the Web UI is that old.',
    default: '3000',
  },
  {
    name: 'STEVEDORE_METRICS',
    meaning:
      'Metrics of the Temporal SDK: host:port where Prometheus finds them, or the URL of an OpenTelemetry collector (http://host:4317).',
    default: 'none',
  },
  {
    name: 'STEVEDORE_API_HOST',
    meaning: 'The address the REST API listens on. Anything but a loopback address makes it reachable by others.',
    default: '127.0.0.1',
  },
  { name: 'STEVEDORE_API_PORT', meaning: 'The port the REST API listens on; 0 takes a free one.', default: '9090' },
  {
    name: 'STEVEDORE_IO_THREADS',
    meaning:
      'How many calls to platforms that block (fs, vault) a worker has under way at once, over all its jobs: each takes a thread of about 30 MB.',
    default: '16',
  },
  {
    name: 'STEVEDORE_LOG_LEVEL',
    meaning: `Least important log line written: ${logLevels.join(', ')}.`,
    default: 'info',
  },
  {
    name: 'STEVEDORE_CACHE',
    meaning: 'Where the Temporal server’s program is kept once downloaded or built.',
    default: '~/.cache/stevedore (XDG_CACHE_HOME is respected)',
  },
]

/** One or more variables make no sense; the message lists all of them. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

/** @throws ConfigError listing every variable whose value makes no sense */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const problems: string[] = []
  const text = (name: string): string | undefined => env[name]?.trim() || undefined
  const matching = (name: string, fallback: string, pattern: RegExp, allowed: string): string => {
    const value = text(name) ?? fallback
    if (!pattern.test(value)) problems.push(`${name} is ${JSON.stringify(value)}: ${allowed}`)
    return value
  }
  const port = (name: string, fallback: number): number => {
    const value = text(name) ?? String(fallback)
    if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) {
      problems.push(`${name} is ${JSON.stringify(value)}: a port is a number from 0 to 65535`)
    }
    return Number(value)
  }

  const count = (name: string, fallback: number, [least, most]: [number, number]): number => {
    const value = text(name) ?? String(fallback)
    if (!/^\d{1,6}$/.test(value) || Number(value) < least || Number(value) > most) {
      problems.push(`${name} is ${JSON.stringify(value)}: a number from ${least} to ${most}`)
    }
    return Number(value)
  }
  const metrics = text('STEVEDORE_METRICS')
  if (metrics !== undefined && !/^(https?:\/\/\S+|(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5})$/.test(metrics)) {
    problems.push(`STEVEDORE_METRICS is ${JSON.stringify(metrics)}: host:port, or http://host:port of a collector`)
  }
  const codec = text('STEVEDORE_PAYLOAD_CODEC')

  if (text('STEVEDORE_DATABASE_URL') !== undefined) {
    problems.push('STEVEDORE_DATABASE_URL is set: catalog and ledger live in the home folder only, unset it')
  }
  const config: Config = {
    home: resolve(text('STEVEDORE_HOME') ?? '.stevedore'),
    temporal: {
      address: temporalAddress(text('TEMPORAL_ADDRESS'), problems),
      namespace: matching('TEMPORAL_NAMESPACE', 'stevedore', /^[\w.-]{2,255}$/, 'letters, digits, ., _ and - only'),
      taskQueue: matching(
        'STEVEDORE_TASK_QUEUE',
        'stevedore',
        /^[^\s\p{Cc}]{1,200}$/u,
        'up to 200 characters, no spaces',
      ),
      codec: codec && resolve(codec),
    },
    worker: {
      activitySlots: count('STEVEDORE_ACTIVITY_SLOTS', 40, [4, 1_000]),
      // One is taken by the sticky queue.
      workflowSlots: count('STEVEDORE_WORKFLOW_SLOTS', 20, [2, 1_000]),
      heartbeatMs: count('STEVEDORE_HEARTBEAT_MS', 3_000, [200, 4_000]),
      metrics,
    },
    api: {
      host: matching('STEVEDORE_API_HOST', '127.0.0.1', /^[\w.:%-]+$/, 'a host name or an IP address'),
      port: port('STEVEDORE_API_PORT', 9090),
    },
    ioThreads: count('STEVEDORE_IO_THREADS', 16, [2, 512]),
    log: { level: logLevel(text('STEVEDORE_LOG_LEVEL'), problems) },
    cache: resolve(text('STEVEDORE_CACHE') ?? join(text('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'stevedore')),
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

function temporalAddress(value: string | undefined, problems: string[]): string | undefined {
  if (value === undefined) return undefined
  const port = /^(?:\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})$/.exec(value)?.[1]
  if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
    problems.push(`TEMPORAL_ADDRESS is ${JSON.stringify(value)}: it has the form host:port, without https://`)
  }
  return value
}

function logLevel(value: string | undefined, problems: string[]): LogLevel {
  const level = logLevels.find((known) => known === (value ?? 'info').toLowerCase())
  if (level === undefined) {
    problems.push(`STEVEDORE_LOG_LEVEL is ${JSON.stringify(value)}: one of ${logLevels.join(', ')}`)
  }
  return level ?? 'info'
}
