import { toJson } from '../json/json.ts'
import { bytes, count, counted, printable } from '../report/format.ts'
import { sayReason } from '../report/say_reason.ts'
import { whatToDo } from '../report/what_to_do.ts'
import type { Difference, DifferenceKind, Left, Verified } from '../transfer/verify/verify.ts'

/** Where a verification's findings go. */
interface Findings {
  difference(difference: Difference): void
  left(left: Left): void
  end(verified: Verified): void
}

/** Of one kind, or reason, in text: settings that changed make every item differ. */
const mostOfAKind = 20

/** A line of JSON for each. */
export function jsonFindings(say: (line: string) => void): Findings {
  return {
    difference({ destinationPath, ...rest }) {
      const remedy = rest.reason === undefined ? undefined : whatToDo(rest.reason)
      say(toJson({ type: 'difference', ...rest, destination_path: destinationPath, remedy }))
    },
    left({ destinationPath, ...rest }) {
      say(toJson({ type: 'left', ...rest, destination_path: destinationPath }))
    },
    end({ accessBefore, ...rest }) {
      say(toJson({ type: 'verified', ...rest, access_before: accessBefore }))
    },
  }
}

interface TextOptions {
  /** What was left is named, as it counts. */
  strict: boolean
  /** A command about the job, as somebody would type it. */
  typed(command: string, ...args: string[]): string
}

/** The first differences of each kind as they are found, then what it came to. */
export function textFindings(say: (line: string) => void, { strict, typed }: TextOptions): Findings {
  const kinds = new Map<DifferenceKind, number>()
  const leftNamed = new Map<string, string[]>()
  const remedies = new Map<string, string>()
  return {
    difference({ path, kind, message, reason }) {
      const known = (kinds.get(kind) ?? 0) + 1
      kinds.set(kind, known)
      const remedy = reason === undefined ? undefined : whatToDo(reason)
      if (remedy !== undefined && reason !== undefined) remedies.set(reason, remedy)
      if (known <= mostOfAKind) say(`${printable(path)}: ${kind}: ${printable(message)}`)
    },
    left({ path, reason }) {
      const named = leftNamed.get(reason) ?? []
      if (named.length < mostOfAKind) leftNamed.set(reason, [...named, path])
    },
    end(verified) {
      for (const [kind, n] of kinds)
        if (n > mostOfAKind) say(`… and ${count(n - mostOfAKind)} more like these: ${kind} (--json has all of them)`)
      for (const [reason, remedy] of remedies) say(`${reason}: ${remedy}.`)
      if (kinds.has('owed'))
        say(
          `What is owed: ${typed('job items')}; tried again by ${typed('job retry')}, or left out by ${typed('job ignore', '<path>')}`,
        )
      for (const line of summary(verified, strict ? leftNamed : new Map<string, string[]>())) say(line)
    },
  }
}

function summary(verified: Verified, leftNamed: ReadonlyMap<string, readonly string[]>): string[] {
  const { files, folders, read, differences, left, gone, accessBefore, foreign } = verified
  const lines = [
    `${counted(files, 'file')} and ${counted(folders, 'folder')} compared, ${bytes(read.source)} read at the source, ${bytes(read.destination)} at the destination`,
  ]
  for (const { status, reason, items } of left) {
    const how = status === 'skipped' ? 'left out' : 'left as the destination has it'
    lines.push(`${counted(items, 'item')} ${how}: ${sayReason(reason)} [${reason}]`)
    const named = leftNamed.get(reason) ?? []
    lines.push(...named.map((path) => `  ${printable(path)}`))
    if (named.length > 0 && items > named.length) lines.push(`  … and ${count(items - named.length)} more`)
  }
  if (gone > 0) lines.push(`${counted(gone, 'item')} left the source, which earlier executions noticed`)
  if (accessBefore > 0)
    lines.push(
      `${counted(accessBefore, 'item')} with the owner and permissions of other maps or settings, until they change`,
    )
  if (foreign > 0) lines.push(`${counted(foreign, 'entry', 'entries')} of the destination of others, not looked at`)
  lines.push(differences === 0 ? 'no differences' : counted(differences, 'difference'))
  return lines
}
