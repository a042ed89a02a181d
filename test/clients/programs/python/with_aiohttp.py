"""Follows a stream with aiohttp."""

import asyncio

import aiohttp

from events import arguments, is_final, lost_after

alone, url, stream = arguments()


async def read(**options):
    async with aiohttp.ClientSession(**options) as session:
        async with session.get(url, headers=stream.headers()) as response:
            if response.status == 200:
                async for chunk in response.content.iter_any():
                    stream.feed(chunk)
            return response.status


async def follow():
    # aiohttp itself ends each request after 5 minutes
    timeout = aiohttp.ClientTimeout(total=None, sock_read=lost_after())
    while True:
        try:
            if is_final(await read(timeout=timeout)):
                break
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            print("lost:", repr(error), flush=True)
        await asyncio.sleep(stream.wait)


asyncio.run(read() if alone else follow())
