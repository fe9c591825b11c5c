import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from '../home/home.ts'
import type { ProcessMark } from '../home/process.ts'

/** What a home remembers of its server, so that the Web UI stays where it was and a server left running is found. */
export interface Remembered {
  version: string
  /** Of the program that said so. */
  build?: string
  port: number
  uiPort: number
  server?: ProcessMark
}

const stateFile = (home: Home): string => join(home.path, 'temporal.json')

/** Nothing when there was none yet, or the file was cut off: then ports are chosen anew, and nothing else is lost. */
export function recall(home: Home): Remembered | undefined {
  try {
    const state = JSON.parse(readFileSync(stateFile(home), 'utf8')) as Partial<Remembered> | null
    return typeof state?.version === 'string' && isPort(state.port) && isPort(state.uiPort)
      ? (state as Remembered)
      : undefined
  } catch {
    return undefined
  }
}

function isPort(port: unknown): boolean {
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536
}

export function remember(home: Home, state: Remembered): void {
  const made = `${stateFile(home)}.${process.pid}`
  writeFileSync(made, JSON.stringify(state), { mode: 0o600 })
  renameSync(made, stateFile(home))
}
