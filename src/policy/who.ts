import { Right, type PermissionEntry, type Principal } from '../connector/item.ts'

type Who = PermissionEntry['who']

/** Equal for two who are the same on one platform. */
export function keyOf(who: Who): string {
  if (typeof who === 'string') return who
  const { type, directory, id, email, username, name } = who
  return JSON.stringify([type, directory, id ?? [email, username, name]])
}

/** Somebody in a message. */
export function whoText(who: Who): string {
  return typeof who === 'string' ? who.replace('_', ' ') : principalText(who)
}

export function principalText(principal: Principal): string {
  return `${principal.type} ${nameText(principal)}`
}

/** Where it is said already what they are. */
export function nameText({ email, username, name, id }: Principal): string {
  return JSON.stringify(email ?? username ?? name ?? id ?? '')
}

export function rightsText(rights: number): string {
  const named = Object.entries(Right).flatMap(([name, bit]) => (rights & bit ? [name] : []))
  return named.length === 0 ? 'nothing' : named.join('+')
}
