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
  }
  api: { host: string; port: number }
  /** I/O threads of a worker. */
  ioThreads: number
  log: { level: LogLevel }
  /** Where downloaded and built programs are kept, outside home and repository. */
  cache: string
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
    meaning: 'The task queue that workers poll.',
    default: 'stevedore',
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

  const threads = (name: string, fallback: number): number => {
    const value = text(name) ?? String(fallback)
    if (!/^\d{1,3}$/.test(value) || Number(value) < 2 || Number(value) > 512) {
      problems.push(`${name} is ${JSON.stringify(value)}: a number from 2 to 512`)
    }
    return Number(value)
  }

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
    },
    api: {
      host: matching('STEVEDORE_API_HOST', '127.0.0.1', /^[\w.:%-]+$/, 'a host name or an IP address'),
      port: port('STEVEDORE_API_PORT', 9090),
    },
    ioThreads: threads('STEVEDORE_IO_THREADS', 16),
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
