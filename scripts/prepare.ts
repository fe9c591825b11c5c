import { readConfig } from '../src/config.ts'
import { temporalProgram } from '../src/temporal/program.ts'
import { findPeers } from './bench/peers.ts'
import { servers } from './testbed/servers.ts'

/** Gets what tests and benchmarks would otherwise get in their own time: the Temporal server, servers to try against, tools we compare with. */
const say = (line: string): void => console.log(line)
const { rclone, rsync } = findPeers(say)
for (const peer of [rclone, rsync]) if (peer) say(`${peer.name} ${peer.version}: ${peer.path}`)
try {
  say(`Temporal server: ${await temporalProgram({ cache: readConfig().cache, say })}`)
} catch (error) {
  say((error as Error).message)
  process.exitCode = 1
}
for (const { name, what, program } of servers) {
  try {
    say(`testbed, ${name} (${what}): ${program(say)}`)
  } catch (error) {
    say((error as Error).message)
    process.exitCode = 1
  }
}
