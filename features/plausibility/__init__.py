"""Checks for implausible data: traders that vanish, jump, or count twice.

The checks look for traders without exports or imports in the last years (late reporters) or in
between, whose years are read as missing; an incomplete last year; totals and large flows that jump
by a factor of 20 or more (slips of units); countries that succeed others; trade that does not fit
GDP or a trained model's data. Certain errors end the run: a trader or sector that is the sum of all
others, a file in another unit than the trained model's. The rest are warnings.
"""
