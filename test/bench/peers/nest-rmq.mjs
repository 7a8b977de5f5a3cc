import 'reflect-metadata';
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, Ctx, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { connect } from 'amqplib';
import { lastValueFrom } from 'rxjs';
import { decorateMethod, decorateParameters } from './decorate.mjs';

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function receive(surroundings) {
  class Receiver {
    take(payload, context) {
      void surroundings.handled(payload);
      ack(context);
    }

    answer(payload, context) {
      ack(context);
      return payload;
    }
  }
  for (const method of ['take', 'answer']) decorateParameters(Receiver, method, [Payload(), Ctx()]);
  decorateMethod(Receiver, 'take', EventPattern('take'));
  decorateMethod(Receiver, 'answer', MessagePattern('answer'));
  Controller()(Receiver);
  class ReceiverModule {}
  const module = { module: ReceiverModule, controllers: [Receiver] };
  const options = optionsOf(surroundings);
  const receiver = await NestFactory.createMicroservice(module, {
    transport: Transport.RMQ,
    options: { ...options, noAck: false },
    logger: ['error', 'warn'],
  });
  await receiver.listen();
  return {
    async close() {
      await receiver.close();
      const connection = await connect(surroundings.servers.amqp);
      await (await connection.createChannel()).deleteQueue(options.queue);
      await connection.close();
    },
  };
}

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function send(surroundings) {
  // the client's `noAck` is for answers
  const options = { ...optionsOf(surroundings), noAck: true };
  const client = ClientProxyFactory.create({ transport: Transport.RMQ, options });
  await client.connect();
  return {
    send: (payload) => lastValueFrom(client.emit('take', payload), { defaultValue: undefined }),
    request: (payload) => lastValueFrom(client.send('answer', payload)),
    close: () => client.close(),
  };
}

const optionsOf = ({ namespace, servers, prefetch }) => ({
  urls: [servers.amqp],
  queue: `${namespace}.nest`,
  queueOptions: { durable: true, arguments: { 'x-queue-type': 'quorum' } },
  persistent: true,
  prefetchCount: prefetch,
  socketOptions: { connectionOptions: { noDelay: true } },
});

const ack = (context) => context.getChannelRef().ack(context.getMessage());
