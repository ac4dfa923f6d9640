"""A pytest plugin: a unittest method whose body never ran has not passed.

`unittest.TestCase` calls a method and forgets what it returns, and of an `async def` or a generator nothing has run by
then. Loaded by name, so that the workers of pytest-xdist have it too. Standard library only.
"""

import inspect
import unittest

# Tracebacks leave out modules that say this.
__unittest = True


def watch(case):
    call = case._callTestMethod

    def watched(self, method):
        def called():
            result = method()
            if inspect.iscoroutine(result):
                result.close()
                self.fail("its body never ran: it is `async def`; `unittest.IsolatedAsyncioTestCase` runs such methods")
            if inspect.isgenerator(result) or inspect.isasyncgen(result):
                self.fail("its body never ran: it has a `yield`, which makes it a generator")
            return result

        # The class for asynchronous methods looks at the function before it calls it.
        call(self, method if inspect.iscoroutinefunction(method) and case is not unittest.TestCase else called)

    case._callTestMethod = watched


for case in (unittest.TestCase, unittest.IsolatedAsyncioTestCase):
    if "_callTestMethod" in vars(case):
        watch(case)
