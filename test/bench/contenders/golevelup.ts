import { AmqpConnection, RabbitMQModule, RabbitRPC, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { amqpUrl } from '../../support/index.js';
import type { Contender, Payload, Subject, Surroundings } from '../contender.js';

export const golevelup: Contender = {
  id: 'golevelup',
  title: '@golevelup/nestjs-rabbitmq: quorum, confirms, acks, nothing stored',
  open,
};

async function open({ namespace, prefetch, handled }: Surroundings): Promise<Subject> {
  const exchange = `${namespace}.golevelup`;
  const inbox = (routingKey: string) => ({
    exchange,
    routingKey,
    queue: `${exchange}.${routingKey}`,
    queueOptions: { durable: true, arguments: { 'x-queue-type': 'quorum' } },
  });

  @Injectable()
  class Receiver {
    @RabbitSubscribe(inbox('take'))
    async take(): Promise<void> {
      handled();
    }

    @RabbitRPC(inbox('answer'))
    async answer(payload: Payload): Promise<Payload> {
      return payload;
    }
  }

  @Module({
    imports: [
      RabbitMQModule.forRoot({
        uri: amqpUrl(),
        exchanges: [{ name: exchange, type: 'direct' }],
        prefetchCount: prefetch,
        connectionInitOptions: { wait: true },
        connectionManagerOptions: { connectionOptions: { noDelay: true } },
      }),
    ],
    providers: [Receiver],
  })
  class BenchModule {}

  const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error', 'warn'] });
  const connection = app.get(AmqpConnection);

  return {
    async send(payload) {
      await connection.publish(exchange, 'take', payload, { persistent: true });
    },
    request: (payload) => connection.request({ exchange, routingKey: 'answer', payload, timeout: 10_000 }),
    async close() {
      for (const routingKey of ['take', 'answer']) await connection.channel.deleteQueue(`${exchange}.${routingKey}`);
      await connection.channel.deleteExchange(exchange);
      await app.close();
    },
  };
}
