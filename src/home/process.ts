import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process and when it began: together they are never used twice, the number alone is. */
export interface ProcessMark {
  pid: number
  /** Opaque; absent where the system doesn't tell. */
  started?: string
}

export function markOf(pid: number): ProcessMark {
  const started = startOf(pid)
  return started === undefined ? { pid } : { pid, started }
}

/** Whether that very process still holds anything, as far as this machine (and container) can see: even killed, until its last thread has ended. */
export function isRunning({ pid, started }: ProcessMark): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  // One that nobody has waited for keeps its number, and nothing else.
  const status = statusOf(pid)
  if (status?.state === zombie && status.threads === 1) return false
  const now = startOf(pid, status)
  return started === undefined || now === undefined || now === started
}

/** One that is gone already is fine. */
export function kill(mark: ProcessMark, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (!isRunning(mark)) return
  try {
    process.kill(mark.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Whether it has been killed, though its last threads may still hold its ports and files. */
export function isDying({ pid }: ProcessMark): boolean {
  return statusOf(pid)?.state === zombie
}

const zombie = 'Z'

interface Status {
  state: string
  threads: number
  startTicks: string
}

/** Linux only. */
function statusOf(pid: number): Status | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The program's name, in parentheses, may itself hold spaces and parentheses. Field 3 comes after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0]!, threads: Number(fields[17]), startTicks: fields[19]! }
  } catch {
    return undefined
  }
}

function startOf(pid: number, status = statusOf(pid)): string | undefined {
  try {
    if (process.platform === 'win32') return undefined
    if (process.platform !== 'linux')
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
    return status && `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}/${status.startTicks}`
  } catch {
    return undefined
  }
}
