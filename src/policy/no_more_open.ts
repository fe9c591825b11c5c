import type { AtMost, RoleRights } from '../connector/connector.ts'
import { Right, type Permissions, type Principal } from '../connector/item.ts'
import { carryPermissions, carriesPermissions, type Carry } from './permissions.ts'
import { keyOf } from './who.ts'

type Sides = Parameters<typeof carriesPermissions>[1]

/** Whether the source says who may do what, the destination could, and the job does not ask for it. */
export function keepsClosed(settings: Parameters<typeof carriesPermissions>[0], sides: Sides): boolean {
  return !carriesPermissions(settings, sides) && carriesPermissions({ ...settings, policy: 'diff' }, sides)
}

const readable = Right.read | Right.list | Right.execute

/**
 * What is created without `permissions` is never more open than its source (brake 7): the most its roles may have at the
 * destination, where neither named grants nor, mostly, the same people are behind them. Members of another group than the
 * source's are anybody.
 *
 * @param group the owning group that new items have by default; decides `closes` alone
 */
export function noMoreOpen(
  carry: Omit<Carry, 'policy' | 'existing'>,
  group: Principal | undefined,
): { most: AtMost; closes: boolean } {
  const roles = { ...carry, destination: { ...carry.destination, named: false } }
  const { everyone, owner } = rightsOf(carryPermissions({ ...roles, newGroup: undefined }).permissions)
  const most: AtMost = { owner, owningGroup: everyone, everyone }
  const same = carry.group && carry.resolve(carry.group)
  if (same?.mayBeGranted && same.destination) {
    const newGroup = same.destination
    most.inGroup = { ...rightsOf(carryPermissions({ ...roles, newGroup }).permissions), group: newGroup }
  }
  const owning = carry.newGroup ?? group
  const isKept = most.inGroup !== undefined && owning !== undefined && keyOf(most.inGroup.group) === keyOf(owning)
  const left = isKept ? most.inGroup! : most
  const closes = carry.source.entries.some(({ who, rights, access }) => {
    if (access === 'deny' || who === 'owner' || who === 'everyone') return false
    const kept = who === 'owning_group' ? left.owningGroup : left.everyone
    return (rights & readable & ~kept) !== 0
  })
  return { most, closes }
}

function rightsOf({ entries }: Permissions): RoleRights {
  const of = (role: string): number => entries.find(({ who }) => who === role)?.rights ?? 0
  return { owner: of('owner'), owningGroup: of('owning_group'), everyone: of('everyone') }
}
