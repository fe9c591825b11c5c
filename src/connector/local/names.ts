import type { Limit, NameRules } from '../capabilities.ts'
import { ConnectorError } from '../errors.ts'
import { posixNames } from '../name_rules.ts'
import { bytesOfName, leadIn } from './escape.ts'

/** Refuses names that a new item may not have under these rules. */
export function nameGate(rules: NameRules): (name: string) => void {
  const invalid = new Set(rules.invalid)
  const reserved = new Set(rules.reserved.map((r) => r.toUpperCase()))
  const plain = rules.invalid === posixNames.invalid && !rules.controls && rules.trailing === ''
  const refuse = (name: string, why: string): never => {
    throw new ConnectorError('NameInvalid', `${JSON.stringify(name)} ${why}`)
  }
  return (name) => {
    if (name === '' || name === '.' || name === '..') refuse(name, 'is no name')
    if (!name.isWellFormed()) refuse(name, 'is not well-formed Unicode')
    if (plain) {
      if (name.includes('/') || name.includes('\0')) refuse(name, 'contains a slash or NUL')
    } else {
      for (const c of name) {
        if (invalid.has(c)) refuse(name, `contains ${JSON.stringify(c)}`)
        if (rules.controls && (c < ' ' || c === '\x7f')) refuse(name, 'contains a control character')
      }
      if (rules.trailing.includes(name.at(-1) ?? '\0')) refuse(name, 'ends with a dot or space')
      const stem = rules.reservedStems ? (name.split('.', 1)[0] ?? '') : name
      if (reserved.has(stem.toUpperCase())) refuse(name, 'is a reserved name')
    }
    for (const limit of [rules.maxSegment, rules.maxStoredSegment])
      if (limit && tooLong(name, limit))
        throw new ConnectorError('NameTooLong', `the name is longer than ${limit.n} ${limit.unit}`)
  }
}

function tooLong(name: string, { n, unit }: Limit): boolean {
  switch (unit) {
    case 'utf16':
      return name.length > n
    case 'codepoints':
      return name.length > n && [...name].length > n
    case 'bytes':
      // No UTF-16 unit takes more than three bytes of UTF-8, so most names need no counting.
      if (name.length * 3 <= n) return false
      return (name.includes(leadIn) ? bytesOfName(name).length : Buffer.byteLength(name)) > n
  }
}

/** What two names have in common when they differ only by case, one code point at a time as NTFS does it. */
export function foldCase(name: string): string {
  if (/^[ -~]*$/.test(name)) return name.toUpperCase()
  let folded = ''
  for (const c of name) {
    const upper = c.toUpperCase()
    folded += upper.length === c.length ? upper : c
  }
  return folded
}
