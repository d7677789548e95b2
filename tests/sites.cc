// SPDX-License-Identifier: BSD-2-Clause
//
// tests/sites.cc - holders with the names that C++ gives: a member of a class in a namespace, and a vector, whose own
// functions are in the program; and one that nobody can name. Says "ready" and stays until its input ends.

#include <cstdio>
#include <vector>

#include <zmalloc.hpp>

namespace shop
{

struct basket {
	std::vector<int, zmalloc::allocator<int>> prices;
	void *label = nullptr;

	__attribute__((noinline)) void write_label(std::size_t bytes)
	{
		label = zmalloc(bytes);
	}
	__attribute__((noinline)) void fill(int count)
	{
		for (int i = 0; i < count; i++)
			prices.push_back(i);
	}
};

} // namespace shop

// A symbol that is fine but for the length of the name that it stands for, of some 2 to the power of 35 characters.
__attribute__((noinline)) void *hold_without_end(std::size_t bytes) __asm__(
	"_Z1f1a1bI1cS1_ES0_IS2_S2_ES0_IS3_S3_ES0_IS4_S4_ES0_IS5_S5_ES0_IS6_S6_ES0_IS7_S7_ES0_IS8_S8"
	"_ES0_IS9_S9_ES0_ISA_SA_ES0_ISB_SB_ES0_ISC_SC_ES0_ISD_SD_ES0_ISE_SE_ES0_ISF_SF_ES0_ISG_SG_E"
	"S0_ISH_SH_ES0_ISI_SI_ES0_ISJ_SJ_ES0_ISK_SK_ES0_ISL_SL_ES0_ISM_SM_ES0_ISN_SN_ES0_ISO_SO_ES0"
	"_ISP_SP_ES0_ISQ_SQ_ES0_ISR_SR_ES0_ISS_SS_ES0_IST_ST_ES0_ISU_SU_ES0_ISV_SV_ES0_ISW_SW_ES0_I"
	"SX_SX_ES0_ISY_SY_ES0_ISZ_SZ_E");
void *hold_without_end(std::size_t bytes)
{
	void *volatile block = zmalloc(bytes);

	return block;
}

int main()
{
	shop::basket basket;
	void *nameless;

	basket.write_label(8u << 20);
	basket.fill(1 << 20);
	nameless = hold_without_end(2u << 20);
	std::puts("ready");
	std::fflush(stdout);
	while (std::getchar() != EOF)
		;
	zfree(nameless);
	zfree(basket.label);
	return 0;
}
