/** Opens a home as an ordinary account, which root is not. */
import { openHome } from '../../src/home/home.ts'

process.setgroups?.([])
process.setgid?.(65_534)
process.setuid?.(65_534)
try {
  openHome(process.argv[2])
} catch (error) {
  console.log((error as Error).message)
}
