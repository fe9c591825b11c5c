import type { PrincipalQuery } from '../connector/connector.ts'
import type { Principal } from '../connector/item.ts'

/** A security identifier as maps write it: any of these names somebody. */
export interface Sid {
  type?: 'account' | 'group'
  id?: string
  email?: string
  username?: string
  /** A name; for web platforms the e-mail address stands here, on file systems the directory's account. */
  name?: string
  /** The name shown to people. */
  caption?: string
}

const keys = ['id', 'email', 'username', 'name', 'caption'] as const

/** Reads a wire object; nothing when it names nobody. Unknown keys are the document check's to report. */
export function readSid(wire: unknown): Sid | undefined {
  if (typeof wire !== 'object' || wire === null) return undefined
  const from = wire as Record<string, unknown>
  const sid: Sid = {}
  for (const key of keys) {
    const value = from[key]
    const text = typeof value === 'number' ? String(value) : value
    if (typeof text === 'string' && text.trim() !== '') sid[key] = text.trim()
  }
  if (Object.keys(sid).length === 0) return undefined
  if (from.type === 'account' || from.type === 'group') sid.type = from.type
  return sid
}

/**
 * Whether a sid means this principal: everything it says that the principal states too must be equal, and something must be.
 * Ids are compared as they are, text without regard to case.
 */
export function means(sid: Sid, principal: Principal): boolean {
  if (sid.type !== undefined && sid.type !== principal.type) return false
  let equal = false
  for (const key of keys) {
    const said = sid[key]
    const known = statedAs(key, principal)
    if (said === undefined || known.length === 0) continue
    if (!known.some((value) => (key === 'id' ? value === said : sameText(value, said)))) return false
    equal = true
  }
  return equal
}

/** Equal for two sids that name somebody by the same words. */
export function sidKey(sid: Sid): string {
  return JSON.stringify(keys.map((key) => (key === 'id' ? sid.id : sid[key]?.normalize('NFC').toLowerCase())))
}

export function sameSid(a: Sid, b: Sid): boolean {
  return sidKey(a) === sidKey(b)
}

/** What the principal states that a sid's key may mean. */
function statedAs(key: (typeof keys)[number], { id, email, username, name }: Principal): string[] {
  switch (key) {
    case 'id':
      return present(id)
    case 'email':
      return present(email)
    case 'username':
      return present(username)
    case 'name':
      return present(name, email, username)
    case 'caption':
      return present(name)
    default:
      return key satisfies never
  }
}

/**
 * How to ask the destination's directory for a sid: by the first of id, e-mail, username and name that it has. One part is
 * asked for, `means` checks the others: a directory may not know them. What a name may stand for is asked for all together.
 */
export function queriesFor(sid: Sid, type: Principal['type']): PrincipalQuery[] {
  if (sid.id !== undefined) return [{ type, id: sid.id }]
  if (sid.email !== undefined) return [{ type, email: sid.email }]
  if (sid.username !== undefined) return [{ type, username: sid.username }]
  const { name } = sid
  if (name === undefined) return [{ type, name: sid.caption ?? '' }]
  return [{ type, name }, { type, email: name }, ...(type === 'account' ? [{ type, username: name }] : [])]
}

/** The sid in a few words, for messages. */
export function sidText(sid: Sid): string {
  return JSON.stringify(sid.email ?? sid.username ?? sid.name ?? sid.caption ?? sid.id ?? '')
}

export function sameText(a: string, b: string): boolean {
  return a === b || a.normalize('NFC').toLowerCase() === b.normalize('NFC').toLowerCase()
}

function present(...values: (string | undefined)[]): string[] {
  return values.filter((value) => value !== undefined && value !== '') as string[]
}
