import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  Ctx,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Payload as Body,
  RmqContext,
  type RmqOptions,
  Transport,
} from '@nestjs/microservices';
import { type Channel, connect, type ConsumeMessage } from 'amqplib';
import { lastValueFrom } from 'rxjs';
import { amqpUrl } from '../../support/index.js';
import type { Contender, Payload, Subject, Surroundings } from '../contender.js';

export const nestRmq: Contender = {
  id: 'nest',
  title: "Nest's RMQ transport: quorum, confirms, acks, nothing stored",
  open,
};

async function open({ namespace, prefetch, handled }: Surroundings): Promise<Subject> {
  @Controller()
  class Receiver {
    @(EventPattern('take') as MethodDecorator)
    take(@Body() _payload: Payload, @Ctx() context: RmqContext): void {
      handled();
      ack(context);
    }

    @MessagePattern('answer')
    answer(@Body() payload: Payload, @Ctx() context: RmqContext): Payload {
      ack(context);
      return payload;
    }
  }

  @Module({ controllers: [Receiver] })
  class ReceiverModule {}

  const queue = `${namespace}.nest`;
  const options: RmqOptions['options'] = {
    urls: [amqpUrl()],
    queue,
    queueOptions: { durable: true, arguments: { 'x-queue-type': 'quorum' } },
    persistent: true,
    prefetchCount: prefetch,
    socketOptions: { connectionOptions: { noDelay: true } },
  };
  const receiver = await NestFactory.createMicroservice<MicroserviceOptions>(ReceiverModule, {
    transport: Transport.RMQ,
    options: { ...options, noAck: false },
    logger: ['error', 'warn'],
  });
  await receiver.listen();
  // The client's `noAck` is for answers.
  const client = ClientProxyFactory.create({ transport: Transport.RMQ, options: { ...options, noAck: true } });
  await client.connect();

  return {
    send: (payload) => lastValueFrom(client.emit<void>('take', payload), { defaultValue: undefined }),
    request: (payload) => lastValueFrom(client.send<unknown>('answer', payload)),
    async close() {
      await client.close();
      await receiver.close();
      const connection = await connect(amqpUrl());
      await (await connection.createChannel()).deleteQueue(queue);
      await connection.close();
    },
  };
}

function ack(context: RmqContext): void {
  (context.getChannelRef() as Channel).ack(context.getMessage() as ConsumeMessage);
}
