import { join } from 'node:path'
import type { Logger } from 'pino'
import type { LogLevel } from '../config.ts'
import type { Home } from './home.ts'
import { redact } from './redact.ts'

export type { Logger }

interface Logs {
  logger: Logger
  /** Resolves when every line is on its way to the disk. */
  close(): Promise<void>
}

interface LogOptions {
  level: LogLevel
  /** A file is rolled at this size; ten are kept. Default 10 MiB. */
  rollBytes?: number
}

interface LogStream {
  write(line: string): boolean
  end(): void
  once(event: 'close' | 'ready', then: () => void): void
  on(event: 'error', then: (error: Error) => void): void
}

const keep = 10

/**
 * Opens `logs/<name>.<n>.log` of the home: one JSON object a line, rotated, without secrets.
 *
 * @param name of this kind of process: two that write the same file would roll it under each other
 */
export async function openLogs(
  home: Home,
  name: string,
  { level, rollBytes = 10 * 1024 ** 2 }: LogOptions,
): Promise<Logs> {
  // Loaded here, so that a command that logs nothing doesn't pay for it.
  const [{ pino }, roll] = await Promise.all([
    import('pino'),
    import('pino-roll' as string) as Promise<{ default: unknown }>,
  ])
  const open = roll.default as (options: Record<string, unknown>) => Promise<LogStream>
  const stream = await open({
    file: join(home.logs, name),
    size: `${rollBytes}b`,
    limit: { count: keep },
    mkdir: true,
    mode: 0o600,
    // The lines that matter most are those right before a process dies.
    sync: true,
  })
  // A full disk must not end the process: the pause that follows says why.
  stream.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  const logger = pino(
    {
      level,
      base: { process: name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (fields) => redact(fields) as Record<string, unknown> },
      // `formatters.log` made plain objects of errors; pino's own serializer would add what they carry.
      serializers: { err: (error: unknown) => error },
      // What a child logger is bound to passes no formatter, and addresses with a password turn up inside messages.
      hooks: { streamWrite: (line) => `${JSON.stringify(redact(JSON.parse(line)))}\n` },
    },
    stream,
  )
  return {
    logger,
    async close() {
      stream.end()
      await closed
    },
  }
}
