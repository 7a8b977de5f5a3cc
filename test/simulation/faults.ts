import type { Member } from './member.js';
import { type Fault, TROUBLE } from './schedule.js';
import type { World } from './world.js';

/** Makes the fault happen now, to those of it that `able` leaves, and end when it is to end. */
export function cause(world: World, fault: Fault, able: number): void {
  const { kind, at, lasts } = fault;
  const set = aimedAt(world, fault) & able;
  const members = world.within(set);
  const [first] = members;
  if (!first) return;
  const others = world.within(~set);
  const names = members.map(({ id }) => id).join('');
  const until = (end: () => void): void =>
    world.timeline.after(Math.min(lasts, TROUBLE - at), () => {
      world.log(() => `end of ${kind} ${names}`);
      end();
    });
  world.log(() => `${kind} ${names}`);

  switch (kind) {
    case 'partition':
    case 'mute': {
      const turn = (by: 1 | -1): void => {
        world.network.cut(members, others, by);
        if (kind === 'partition') world.network.cut(others, members, by);
      };
      turn(1);
      return until(() => turn(-1));
    }
    case 'no_database':
      for (const member of members) member.cut++;
      return until(() => members.forEach((member) => member.cut--));
    case 'pause':
      for (const member of members) member.paused++;
      return until(() => {
        for (const member of members) if (--member.paused === 0) world.resume(member);
      });
    case 'crash':
      for (const member of members) takeDown(world, member);
      return until(() => members.forEach((member) => bringUp(world, member)));
    case 'crash_writing':
      return crashWriting(world, members, until);
    case 'transfer':
      for (const leader of world.members) {
        if (leader.paused === 0) world.step(leader, { type: 'transfer', to: first.id });
      }
      return;
    case 'resign':
      for (const member of members) if (member.paused === 0) world.step(member, { type: 'resign' });
      return;
    case 'leave':
      for (const member of members) {
        if (member.paused === 0 && world.timeline.random() < 0.5) world.step(member, { type: 'resign' });
        takeDown(world, member);
      }
      world.changeMembership(world.joined & ~set);
      return until(() => {
        world.changeMembership(world.joined | set);
        for (const member of members) bringUp(world, member);
      });
    case 'forge': {
      const forging = world.timeline.now + Math.min(lasts, TROUBLE - at);
      const forge = (): void => {
        for (const member of members) world.forge(member);
        if (world.timeline.now < forging) world.timeline.after(1 + world.timeline.random() * 400, forge);
      };
      return forge();
    }
    case 'blind':
      for (const member of members) {
        member.blindFor.push(set & ~member.bit);
        world.tellMembers(member, 0);
      }
      return until(() => {
        for (const member of members) {
          member.blindFor.splice(member.blindFor.indexOf(set & ~member.bit), 1);
          world.tellMembers(member, 0);
        }
      });
  }
}

function aimedAt({ members }: World, { who, aim }: Fault): number {
  const leaders = members.reduce((all, { machine, bit }) => (machine?.role === 'leader' ? all | bit : all), 0);
  if (leaders === 0 || aim === 'who') return who;
  return aim === 'leader' ? leaders : leaders | who;
}

export function takeDown(world: World, member: Member): void {
  member.down++;
  world.kill(member);
}

function bringUp(world: World, member: Member): void {
  member.down--;
  world.start(member);
}

/** Back after a tenth of the fault's time, so that the others are still at it. */
function crashWriting(world: World, members: readonly Member[], until: (end: () => void) => void): void {
  const disarm = (): void => members.forEach((member) => world.onWriting.delete(member));
  for (const member of members) {
    world.onWriting.set(member, () => {
      disarm();
      takeDown(world, member);
      world.timeline.after(world.timeline.random() * 200, () => bringUp(world, member));
    });
  }
  until(disarm);
}
