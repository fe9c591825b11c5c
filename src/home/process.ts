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

/** Whether that very process still runs, as far as this machine (and container) can see. */
export function isRunning({ pid, started }: ProcessMark): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = startOf(pid)
  return started === undefined || now === undefined || now === started
}

function startOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      // The program's name, in parentheses, may itself hold spaces and parentheses. Field 22 counts from its end.
      const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
      return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}/${ticks}`
    }
    if (process.platform === 'win32') return undefined
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}
